"""The README's picture, taken from a running demo: `python -m demo.screenshot`."""

import argparse
import asyncio
from pathlib import Path
import re
import sys
from typing import Final

from playwright.async_api import Locator, Page, ViewportSize, expect

from .browser import LOAD_MS, browser_page
from .errors import DemoError
from .folder import DOMAIN, ROOT
from .run import ALL_HOMES, FIRST_POWER_SECONDS
from .say import say

INTEGRATION: Final = f"config/integrations/integration/{DOMAIN}"
WATTS: Final = r"[\d,.]+\sk?W"
PICTURE: Final[ViewportSize] = {"width": 1200, "height": 560}


async def goto(page: Page, address: str) -> None:
    """Open an address and wait until Home Assistant's first picture has faded."""
    await page.goto(address)
    await page.wait_for_selector("#ha-launch-screen", state="detached", timeout=LOAD_MS)


async def open_integration(page: Page, url: str) -> None:
    """Open the integration's own page and wait until all homes are on it."""
    await goto(page, f"{url}/{INTEGRATION}")
    for label in ALL_HOMES:
        await expect(page.get_by_text(label, exact=True).first).to_be_visible(
            timeout=LOAD_MS
        )


async def open_energy(page: Page, url: str) -> None:
    """Open the Energy dashboard and wait until it shows its cards."""
    await goto(page, f"{url}/energy")
    await expect(page.locator("hui-energy-distribution-card").first).to_be_visible(
        timeout=LOAD_MS
    )


async def open_thermostat(page: Page, url: str, climate: str) -> Locator:
    """Open a room's thermostat and return it once it shows what the room is set to."""
    await goto(page, f"{url}/home?more-info-entity-id={climate}")
    thermostat = page.locator("more-info-climate")
    await expect(thermostat.locator("ha-control-circular-slider")).to_be_visible(
        timeout=LOAD_MS
    )
    return thermostat


async def open_overview(page: Page, url: str) -> None:
    """Open the first page and wait until it shows the power of each home."""
    await goto(page, f"{url}/home")
    for label in ALL_HOMES:
        tile = page.get_by_role("button", name=re.compile(rf"^{label} Power {WATTS}"))
        await expect(tile).to_be_visible(timeout=FIRST_POWER_SECONDS * 1000)


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
        async with browser_page(given.url, PICTURE) as page:
            await open_overview(page, given.url)
            given.to.parent.mkdir(parents=True, exist_ok=True)
            await page.screenshot(path=given.to)
    except DemoError as err:
        say(str(err))
        return 1
    say(str(given.to))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
