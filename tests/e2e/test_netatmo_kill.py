"""Power cuts between a new token and the entry that keeps it: a real Home Assistant killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
from pathlib import Path
import stat
from typing import Any

import pytest

from demo.api import Api
from demo.folder import DOMAIN, DemoFolder
from demo.hass_process import HassProcess
from demo.heating import ensure_heating
from demo.run import APPLICATION, bring_up, heating_plans, url_of
from demo.simulator_process import SimulatorProcess
from demo.wait import until
from tests.e2e.ports import held_port
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.simulator_client import SimulatorClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

KILLS = 3
SHORT_LIFE_S = 30
"""Refreshed when 20 s are left: at most one in ten seconds, so that no kill meets the next."""

START_SECONDS = 180
REFRESH_SECONDS = 240
LOOK_AGAIN_S = 20


@dataclass
class Running:
    """A Home Assistant with one account, and the vendor's side of it."""

    hass: HassProcess
    api: Api
    netatmo: NetatmoControl
    storage: Path

    def token_on_disk(self) -> dict[str, Any]:
        """Return the newest tokens that our own file has."""
        stored = json.loads(self.written.read_text(encoding="utf-8"))
        (record,) = stored["data"]["records"]
        token: dict[str, Any] = record["token"]
        return token

    def token_in_entry(self) -> dict[str, Any]:
        """Return the tokens that the account's entry has on disk."""
        stored = json.loads((self.storage / "core.config_entries").read_text("utf-8"))
        (token,) = [
            entry["data"]["token"]
            for entry in stored["data"]["entries"]
            if entry["domain"] == DOMAIN and entry["data"].get("kind") == "netatmo"
        ]
        found: dict[str, Any] = token
        return found

    @property
    def written(self) -> Path:
        """Return our own file of tokens."""
        return self.storage / f"{DOMAIN}.netatmo_tokens"

    async def restart(self) -> None:
        """Start Home Assistant without waiting for anything."""
        await self.api.disconnect()
        await self.hass.start()

    async def account(self) -> dict[str, Any]:
        """Return the account's entry once it is loaded, or has given up."""

        async def settled() -> dict[str, Any] | None:
            """Return the entry in a state that stays."""
            entries = await self.api.get(f"config/config_entries/entry?domain={DOMAIN}")
            (entry,) = [e for e in entries if e["title"].startswith("Netatmo ")]
            stays = entry["state"] in {"loaded", "setup_error"}
            return dict(entry) if stays else None

        return await until(settled, "the account", seconds=START_SECONDS)

    async def reauths(self) -> int:
        """Return how many flows ask somebody to sign in again."""
        flows = await self.api.command("config_entries/flow/progress")
        return sum(
            flow["handler"] == DOMAIN and flow["context"]["source"] == "reauth"
            for flow in flows
        )

    def refreshes(self) -> int:
        """Return how often the token endpoint was asked."""
        return self.netatmo.calls_of_client().get("token", 0)


@asynccontextmanager
async def running(folder: DemoFolder) -> AsyncIterator[Running]:
    """Run the simulator and a Home Assistant with an account whose tokens live shortly."""
    with held_port() as port, folder.hold():
        async with SimulatorProcess(folder, seed=7) as simulator:
            netatmo = NetatmoControl(SimulatorClient(simulator.url))
            netatmo.settings(access_s=SHORT_LIFE_S)
            folder.prepare(port)
            async with (
                HassProcess(folder, simulator.url) as hass,
                Api(url_of(port)) as api,
            ):
                await bring_up(api, folder)
                await ensure_heating(api, APPLICATION, heating_plans())
                # Stopped well, so that application and entries are on disk.
                assert await hass.stop() == 0
                yield Running(hass, api, netatmo, folder.config / ".storage")


@pytest.mark.xdist_group("starts")
async def test_kills_between_a_new_token_and_its_entry_lose_nothing(
    tmp_path: Path,
) -> None:
    """Killed as soon as the answer is on disk, again and again: nobody has to sign in."""
    async with running(DemoFolder(tmp_path / "demo")) as demo:
        await demo.restart()
        for _ in range(KILLS):
            await next_token(demo)
            await demo.hass.kill()
            # Otherwise the kill came too late to show anything.
            assert demo.token_in_entry() != demo.token_on_disk()
            await demo.restart()
        assert stat.S_IMODE(demo.written.stat().st_mode) == 0o600
        await bring_up_again(demo)

        assert (await demo.account())["state"] == "loaded"
        assert await demo.reauths() == 0
        good = demo.netatmo.overview()["users"][NETATMO_USER]["refresh_tokens"]
        assert demo.token_on_disk()["refresh_token"] in good


@pytest.mark.xdist_group("board kills")
async def test_a_kill_before_the_answer_asks_once_at_worst(tmp_path: Path) -> None:
    """Killed while the vendor answers: signing in again at worst, and never a loop."""
    async with running(DemoFolder(tmp_path / "demo")) as demo:
        # The vendor voids the old token and the answer never comes whole.
        demo.netatmo.simulator.fault("cut", "token", count=1)
        before = demo.refreshes()
        await demo.restart()
        await next_refresh(demo, before)
        await demo.hass.kill()
        await demo.restart()
        await bring_up_again(demo)

        assert (await demo.account())["state"] == "setup_error"
        assert await demo.reauths() == 1
        asked = demo.refreshes()
        await asyncio.sleep(LOOK_AGAIN_S)
        assert demo.refreshes() == asked
        assert await demo.reauths() == 1


async def bring_up_again(demo: Running) -> None:
    """Wait until Home Assistant stands and the test is logged in as before."""

    async def ready() -> bool | None:
        """Return True once everything is loaded."""
        try:
            return (await demo.api.get("config"))["state"] == "RUNNING" or None
        except OSError:
            return None

    await until(ready, "Home Assistant", seconds=START_SECONDS)


async def next_token(demo: Running) -> None:
    """Wait until our own file has other tokens; before the first there is no file."""
    before = demo.written.read_bytes() if demo.written.exists() else b""

    async def changed() -> bool | None:
        """Return True once it has."""
        there = demo.written.exists()
        return (there and demo.written.read_bytes() != before) or None

    await until(changed, "the next token", seconds=REFRESH_SECONDS, every=0.01)


async def next_refresh(demo: Running, before: int) -> None:
    """Wait until the token endpoint was asked again."""

    async def asked() -> bool | None:
        """Return True once it was."""
        return demo.refreshes() > before or None

    await until(asked, "a refresh", seconds=REFRESH_SECONDS, every=0.01)
