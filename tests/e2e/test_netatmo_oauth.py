"""The OAuth dance in a real browser: application, authorize page, and back into the homes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, expect
import pytest

from demo.api import Api
from demo.browser import DESKTOP, LOAD_MS, browser_page
from demo.folder import DOMAIN, DemoFolder
from demo.hass_process import HassProcess
from demo.run import bring_up, url_of
from demo.screenshot import goto
from demo.simulator_process import SimulatorProcess
from tests.e2e.ports import held_port
from tests.netatmo_control import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_USER,
    NetatmoControl,
)
from tests.simulator_client import SimulatorClient

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("meter kills"),
    pytest.mark.timeout(900),
]

ADD = f"config/integrations/dashboard/add?domain={DOMAIN}"
ITEM = "A Netatmo account"


@asynccontextmanager
async def bare_home_assistant(
    folder: DemoFolder,
) -> AsyncIterator[tuple[Api, NetatmoControl]]:
    """Run the simulator and a Home Assistant that has nothing of ours yet."""
    with held_port() as port, folder.hold():
        async with SimulatorProcess(folder, seed=7) as simulator:
            folder.prepare(port)
            async with HassProcess(folder, simulator.url), Api(url_of(port)) as api:
                await bring_up(api, folder)
                yield api, NetatmoControl(SimulatorClient(simulator.url))


async def test_from_the_application_to_the_homes(tmp_path: Path) -> None:
    """A user adds an application, signs in, and assigns both Netatmo homes in one go."""
    folder = DemoFolder(tmp_path / "demo")
    async with bare_home_assistant(folder) as (api, netatmo):
        async with browser_page(api.url, DESKTOP) as page:
            await goto(page, f"{api.url}/{ADD}")
            await page.get_by_role("button", name="OK").click()
            await page.get_by_text(ITEM).click()
            await add_application(page, api.url)
            await sign_in(page)

            await expect(page.get_by_text("with these heated rooms")).to_contain_text(
                "Elm Street", timeout=LOAD_MS
            )
            await page.get_by_role("button", name="Submit").click()
            await expect(page.get_by_text("with these heated rooms")).to_contain_text(
                "Mill Cottage", timeout=LOAD_MS
            )
            await page.get_by_role("button", name="Submit").click()
            await expect(page.get_by_text("with these heated rooms")).to_have_count(
                0, timeout=LOAD_MS
            )

        user_id = netatmo.overview()["users"][NETATMO_USER]["id"]
        entries = await api.get(f"config/config_entries/entry?domain={DOMAIN}")
        assert {entry["title"]: entry["state"] for entry in entries} == {
            f"Netatmo {user_id[-4:]}": "loaded",
            "Elm Street": "loaded",
            "Mill Cottage": "loaded",
        }
        log = folder.log.read_text(encoding="utf-8")
        assert NETATMO_CLIENT_SECRET not in log
        assert "-refresh" not in log


async def add_application(page: Page, url: str) -> None:
    """Fill in the dialog for an application, which says where the vendor sends us back."""
    dialog = page.locator("dialog-add-application-credential")
    await expect(dialog.get_by_text(f"{url}/auth/external/callback")).to_be_visible(
        timeout=LOAD_MS
    )
    await dialog.locator("input[name=name]").fill("My own application")
    await dialog.locator("input[name=clientId]").fill(NETATMO_CLIENT_ID)
    await dialog.locator("input[name=clientSecret]").fill(NETATMO_CLIENT_SECRET)
    await dialog.get_by_role("button", name="Add", exact=True).click()


async def sign_in(page: Page) -> None:
    """Choose the account again, and accept at the vendor's in the window that opens."""
    async with page.context.expect_page() as opened:
        await page.get_by_text(ITEM).click()
    vendor = await opened.value
    await vendor.select_option("select#user", NETATMO_USER)
    async with vendor.expect_event("close"):
        await vendor.click("button#accept")
