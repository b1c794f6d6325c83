"""A real browser in front of the demo's Home Assistant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import shutil
from typing import Final

from playwright.async_api import Page, ViewportSize, async_playwright

from .errors import DemoError
from .onboarding import PASSWORD, USERNAME

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")

# It may speak to nobody but the demo.
FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)

DESKTOP: Final[ViewportSize] = {"width": 1440, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
LOAD_MS: Final = 120_000
"""How long anything in a page may take on a busy machine."""


@asynccontextmanager
async def browser_page(url: str, size: ViewportSize) -> AsyncIterator[Page]:
    """Open a page of Home Assistant, logged in as the demo's user.

    Raises:
        DemoError: this machine has no Chromium.
    """
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        raise DemoError("missing: Chromium (scripts/setup --all installs it on Debian)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable,
            args=[*FLAGS],
            headless=True,
            timeout=LOAD_MS,
        )
        try:
            context = await browser.new_context(
                viewport=size, locale="en-GB", timezone_id="Europe/London"
            )
            context.set_default_timeout(LOAD_MS)
            page = await context.new_page()
            await page.goto(url)
            await page.fill("input[name=username]", USERNAME)
            await page.fill("input[name=password]", PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_selector("home-assistant-main")
            yield page
        finally:
            await browser.close()
