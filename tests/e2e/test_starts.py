"""The demo started, ended and started again, as its user does it or a power cut."""

import os
import signal
import socket
from typing import Any

import aiohttp
import pytest

from demo.api import Api
from demo.errors import DemoError
from demo.folder import DOMAIN, LOOPBACK
from demo.run import ALL_HOMES
from demo.wait import until
from tests.e2e.machine import child_pids, listening_addresses, living_pids
from tests.e2e.running import RunningDemo, logged_in
from tests.e2e.shown import LOADER, nothing_to_do

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("starts"),
    pytest.mark.timeout(1200),
]


async def test_a_second_start_finds_everything_as_it_was(
    own_demo: RunningDemo,
) -> None:
    """Entries, devices, entities and the dashboard are the same, and power comes again."""
    own_demo.start()
    first = await everything(own_demo.url)
    assert own_demo.interrupt() == 0
    address = own_demo.simulator_url
    own_demo.keep_simulator_port()

    own_demo.start()
    second = await everything(own_demo.url)
    assert second == first
    assert own_demo.simulator_url == address
    # Power, and the temperatures, which take the token of before.
    own_demo.read_all(
        "Elm Street", "Harbour Flat", "Rooms of Elm Street", "Rooms of Mill Cottage"
    )
    await nothing_to_do(own_demo.url)
    assert [line for line in own_demo.log_lines() if LOADER not in line] == []
    assert own_demo.interrupt() == 0


async def test_a_first_start_cut_short_is_healed(own_demo: RunningDemo) -> None:
    """A demo killed in the middle of its set-up is completed by the next start."""
    own_demo.launch()
    own_demo.read_until("Starting")
    async with Api(own_demo.url) as api:
        await until(api.onboarding, "Home Assistant", seconds=180, every=0.2)
    own_demo.process.kill()
    own_demo.finish()
    await until(lambda: nobody_listens(own_demo.port), "the end of all", seconds=180)

    own_demo.start()
    found = await everything(own_demo.url)
    assert [
        entry["title"] for entry in found["entries"] if entry["title"] in ALL_HOMES
    ] == sorted(ALL_HOMES)
    own_demo.read_all("Rooms of Elm Street", "Rooms of Mill Cottage")
    await nothing_to_do(own_demo.url)
    assert own_demo.interrupt() == 0


async def test_a_power_cut_at_the_account_is_healed(own_demo: RunningDemo) -> None:
    """A demo cut off once the Netatmo account is there is completed by the next start."""
    own_demo.launch()
    own_demo.read_until("Starting")
    async with Api(own_demo.url) as api:
        await until(lambda: netatmo_there(api), "the account", seconds=300, every=0.2)
    for pid in child_pids(own_demo.process.pid):
        os.kill(pid, signal.SIGKILL)
    own_demo.process.kill()
    own_demo.finish()
    await until(lambda: nobody_listens(own_demo.port), "the end of all", seconds=180)

    own_demo.start()
    own_demo.read_all("Rooms of Elm Street", "Rooms of Mill Cottage")
    await nothing_to_do(own_demo.url)
    assert own_demo.interrupt() == 0


async def test_exit_after_ends_cleanly_with_all_its_processes(
    own_demo: RunningDemo,
) -> None:
    """The demo stops by itself with code 0 and leaves no process behind."""
    own_demo.start("--exit-after", "3")
    children = child_pids(own_demo.process.pid)
    assert len(children) == 2
    assert own_demo.finish() == 0
    assert not set(children) & living_pids()


def test_a_taken_port_is_one_clear_line(own_demo: RunningDemo) -> None:
    """Where the port is taken the demo says so in one line and starts nothing."""
    with socket.create_server((LOOPBACK, own_demo.port)):
        own_demo.launch()
        assert own_demo.finish() == 1
    (line,) = own_demo.lines
    assert line.startswith(f"Port {own_demo.port} is taken: ")


def test_a_second_demo_in_one_folder_is_refused(own_demo: RunningDemo) -> None:
    """Two demos never share a folder."""
    other = RunningDemo(own_demo.folder)
    own_demo.launch()
    own_demo.read_until("Simulator")
    other.launch()
    assert other.finish() == 1
    assert other.lines == [f"Another demo is running in {own_demo.folder}"]
    other.close()
    own_demo.process.send_signal(signal.SIGTERM)
    assert own_demo.finish() == 0


def test_a_foreign_folder_is_left_alone(own_demo: RunningDemo) -> None:
    """A folder with other things in it is not touched."""
    own_demo.folder.mkdir()
    precious = own_demo.folder / "precious.txt"
    precious.write_text("mine", encoding="utf-8")
    own_demo.launch()
    assert own_demo.finish() == 1
    assert [*own_demo.folder.iterdir()] == [precious]


async def everything(url: str) -> dict[str, Any]:
    """Return what a restart must not change, once all of ours is loaded."""
    async with Api(url) as api:
        await logged_in(api)
        # The last assignment reloads its home.
        await until(lambda: all_loaded(api), "all entries to be loaded", seconds=180)
        entries = await api.get("config/config_entries/entry")
        registry = await api.command("config/entity_registry/list")
        devices = await api.command("config/device_registry/list")
        return {
            "entries": sorted(
                (
                    {key: entry[key] for key in ("entry_id", "domain", "title")}
                    for entry in entries
                ),
                key=lambda entry: entry["title"],
            ),
            "entities": sorted(
                (entity["entity_id"], entity["unique_id"], entity["disabled_by"] or "")
                for entity in registry
            ),
            "devices": sorted(device["id"] for device in devices),
            "dashboard": await api.command("energy/get_prefs"),
            "time_zone": (await api.get("config"))["time_zone"],
        }


async def all_loaded(api: Api) -> bool | None:
    """Return True once accounts and homes are set up."""
    entries = await api.get(f"config/config_entries/entry?domain={DOMAIN}")
    return all(entry["state"] == "loaded" for entry in entries) or None


async def netatmo_there(api: Api) -> bool | None:
    """Return True once somebody can log in and finds a Netatmo account."""
    try:
        await logged_in(api)
        entries = await api.get(f"config/config_entries/entry?domain={DOMAIN}")
    except DemoError, aiohttp.ClientError:
        return None
    return any(entry["title"].startswith("Netatmo ") for entry in entries) or None


async def nobody_listens(port: int) -> bool | None:
    """Return True once a port is free."""
    return not listening_addresses(port) or None
