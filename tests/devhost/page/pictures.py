"""Takes the picture in the documentation: `python -m tests.devhost.page.pictures`."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Route, expect, sync_playwright

from tests.devhost.conftest import APPS
from tests.devhost.page.conftest import ROOT, open_shop
from tests.web.conftest import FLAGS

DURABLE = "/runtime/webhooks/durabletask"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, open_shop(Path(folder) / "state.db") as shop, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1060})
        wanted = {"id": "1042", "items": ["lamp", "chair", "desk", "shelf"], "delay": 120}
        shop.post(f"{DURABLE}/orchestrators/fulfil/order-1042", wanted)
        page.route("**/devhost/api/instance?*", _tidy)
        page.goto(f"{shop.url}/devhost#/instances/order-1042")
        expect(page.get_by_text("Waits for")).to_be_visible()
        page.get_by_role("option", name=re.compile("^activity notify, failed")).click()
        page.screenshot(path=ROOT / "docs" / "images" / "devhost.png")
        browser.close()


def _tidy(route: Route) -> None:
    """Leaves out where the app lies on this machine, and the markup that the tests put into its errors."""
    text = route.fetch().text().replace(str(APPS / "watched"), "shop")
    route.fulfill(body=re.sub("<img[^>]*> ", "", text), content_type="application/json")


if __name__ == "__main__":
    main()
