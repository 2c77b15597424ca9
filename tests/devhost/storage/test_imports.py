"""What an app without storage does not pay for."""

from __future__ import annotations

import subprocess
import sys

LISTING = """
import sys
import devhost.storage.bindings, devhost.storage.triggers
print([name for name in sys.modules if name.startswith(("azure.storage", "azure.core"))])
"""


def test_the_sdks_are_imported_at_their_first_use() -> None:
    listed = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, check=True)
    assert listed.stdout == "[]\n"
