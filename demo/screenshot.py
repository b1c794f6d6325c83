"""The README's picture, taken from a running demo: `python -m demo.screenshot`."""

import argparse
import asyncio
from pathlib import Path
import sys
from typing import Final

from playwright.async_api import Page, expect

from .browser import DESKTOP, browser_page
from .errors import DemoError
from .folder import DOMAIN, ROOT
from .run import HOMES
from .say import say

INTEGRATION: Final = f"config/integrations/integration/{DOMAIN}"
LOAD_MS: Final = 60_000


async def open_integration(page: Page, url: str) -> None:
    """Open the integration's own page and wait until both homes are on it."""
    await page.goto(f"{url}/{INTEGRATION}")
    for label in HOMES:
        await expect(page.get_by_text(label, exact=True).first).to_be_visible(
            timeout=LOAD_MS
        )


async def open_energy(page: Page, url: str) -> None:
    """Open the Energy dashboard and wait until it shows its cards."""
    await page.goto(f"{url}/energy")
    await expect(page.locator("hui-energy-distribution-card").first).to_be_visible(
        timeout=LOAD_MS
    )


async def open_overview(page: Page, url: str) -> None:
    """Open a dashboard of all that Home Assistant has, and wait for the homes on it."""
    await page.goto(f"{url}/home")
    await page.wait_for_load_state("networkidle")


async def main() -> int:
    """Take the picture and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/screenshot", description="Take the README's picture of a demo."
    )
    parser.add_argument("--url", default="http://127.0.0.1:8123")
    parser.add_argument(
        "--to", type=Path, default=ROOT / "docs" / "images" / "demo.png"
    )
    given = parser.parse_args()
    try:
        async with browser_page(given.url, DESKTOP) as page:
            await open_energy(page, given.url)
            given.to.parent.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=given.to)
    except DemoError as err:
        say(str(err))
        return 1
    say(str(given.to))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
