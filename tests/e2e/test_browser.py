"""The demo in a real browser, at the width of a desk and of a phone.

`ENERGY_HOMES_SCREENSHOTS=DIR` keeps the pictures.
"""

from collections.abc import AsyncIterator
import os
from pathlib import Path

from playwright.async_api import Page, ViewportSize, expect
import pytest

from demo.api import Api
from demo.browser import DESKTOP, PHONE, browser_page
from demo.rooms import climate_of
from demo.screenshot import (
    open_energy,
    open_integration,
    open_overview,
    open_thermostat,
)
from demo.wait import until
from tests.e2e.shared import SharedDemo
from tests.e2e.shown import heated_rooms
from tests.netatmo_control import NetatmoControl

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("shared demo"),
    pytest.mark.timeout(900),
]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return where the pictures go."""
    folder = Path(os.environ.get("ENERGY_HOMES_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def size(request: pytest.FixtureRequest) -> ViewportSize:
    """Return the size of a screen."""
    size: ViewportSize = request.param
    return size


@pytest.fixture
async def page(demo: SharedDemo, size: ViewportSize) -> AsyncIterator[Page]:
    """Return a page of the demo on that screen, logged in."""
    async with browser_page(demo.url, size) as page:
        yield page


async def shoot(page: Page, folder: Path, name: str, size: ViewportSize) -> None:
    """Take a picture and see that nothing hangs over the edge of the screen."""
    await page.screenshot(path=folder / f"{name}-{size['width']}.png")
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"]


async def test_the_integration_page_shows_both_homes(
    demo: SharedDemo, page: Page, size: ViewportSize, pictures: Path
) -> None:
    """The integration's page lists both homes, and no entry that failed."""
    await open_integration(page, demo.url)
    await expect(page.get_by_text("Failed", exact=False)).to_have_count(0)
    await shoot(page, pictures, "integration", size)


async def test_the_energy_dashboard_shows_both_homes(
    demo: SharedDemo, page: Page, size: ViewportSize, pictures: Path
) -> None:
    """The Energy dashboard opens with its cards instead of its set-up wizard."""
    await open_energy(page, demo.url)
    assert "/energy/setup" not in page.url
    await shoot(page, pictures, "energy", size)


async def test_the_first_page_shows_live_power(
    demo: SharedDemo, page: Page, size: ViewportSize, pictures: Path
) -> None:
    """The overview shows the power of both homes in watts."""
    await open_overview(page, demo.url)
    await shoot(page, pictures, "overview", size)


async def test_a_room_shows_and_takes_its_temperature(
    demo: SharedDemo, api: Api, page: Page, size: ViewportSize, pictures: Path
) -> None:
    """A room's thermostat shows its setpoint; half a degree more reaches the room."""
    netatmo = NetatmoControl(demo.simulator())
    # A room of its own for each screen: nothing of the other's command is still to come.
    room = (await heated_rooms(api))[[DESKTOP, PHONE].index(size)]

    async def setpoint() -> float | None:
        """Return what the room is shown to be set to."""
        climate = await climate_of(api, room)
        return None if climate is None else float(climate["temperature"])

    before = await until(setpoint, "the room", seconds=180)
    thermostat = await open_thermostat(page, demo.url, room.climate)
    slider = thermostat.locator("ha-control-circular-slider")
    await expect(slider).to_have_js_property("value", before)
    warmer = thermostat.locator("ha-outlined-icon-button").last
    await warmer.click()
    wanted = before + 0.5
    forgotten = False

    async def done() -> bool | None:
        """Return True once the cloud has the room set so.

        The page forgets a press where the room's state changes within the second for which
        it waits for another one; people then press again, and so does this, once it is sure.
        """
        nonlocal forgotten
        if netatmo.setpoint(room.label, room.room)[:2] == ("manual", wanted):
            return True
        was, forgotten = (
            forgotten,
            await slider.evaluate("slider => slider.value") == before,
        )
        if was and forgotten:
            forgotten = False
            await warmer.click()
        return None

    await until(done, "the room to be set", seconds=180, every=2)
    assert await setpoint() == wanted
    await expect(slider).to_have_js_property("value", wanted)
    await shoot(page, pictures, "thermostat", size)
