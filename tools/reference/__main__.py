from __future__ import annotations

from tools.reference.page import PAGE, written

PAGE.write_text(written(), encoding="utf-8")
