"""The demo as its user sees it."""

from datetime import UTC, datetime, timedelta
import os
import signal
import socket
from typing import Any

import aiohttp
import pytest

from demo.api import Api
from demo.energy import state_of
from demo.errors import DemoError
from demo.folder import DOMAIN, LOOPBACK
from demo.run import ALL_HOMES
from demo.wait import until
from tests.board_control import BoardControl
from tests.e2e.machine import child_pids, listening_addresses, living_pids
from tests.e2e.running import RunningDemo, logged_in
from tests.e2e.shown import GRID_METERS, LOADER, entities, powers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

FRESH = timedelta(seconds=40)
OLDEST = timedelta(seconds=80)
"""What no machine may exceed: the reading before the last one."""

MOMENTS = 40
LATE = 4
"""Moments at which a busy machine may have been a poll behind."""


async def test_power_is_what_the_meter_published_at_most_40_seconds_ago(
    demo: RunningDemo, api: Api
) -> None:
    """Both homes show a fresh reading at 40 moments over two minutes, and never an old one."""
    homes = await entities(api)
    simulator = demo.simulator()
    late: list[str] = []
    stale: list[str] = []
    moments: list[datetime] = []

    async def watched() -> bool | None:
        """Compare both homes, and return True after the last moment."""
        now = datetime.now(UTC)
        moments.append(now)
        for label, sid in GRID_METERS.items():
            shown = await state_of(api, homes[label].power)
            fresh = [watts for _, watts in simulator.published(sid, now - FRESH)]
            if shown in fresh:
                continue
            late.append(f"{now}: {label} shows {shown}, published were {fresh}")
            if shown not in [
                watts for _, watts in simulator.published(sid, now - OLDEST)
            ]:
                stale.append(late[-1])
        return len(moments) >= MOMENTS or None

    await powers(api, homes)
    await until(watched, f"{MOMENTS} moments", seconds=300, every=3)
    assert stale == []
    assert len(late) <= LATE, late


async def test_a_board_measures_the_third_home(demo: RunningDemo, api: Api) -> None:
    """Two channels of a board are its meters; the kitchen never adds to the home."""
    board = BoardControl(demo.simulator())

    async def counted() -> dict[str, float] | None:
        """Return what was read at one moment, once it is all there and agrees."""
        shown = {
            name: await state_of(api, f"{kind}.harbour_flat_{name}")
            for name, kind in (
                ("power", "sensor"),
                ("electricity_meter_meter_reading", "number"),
                ("kitchen_meter_reading", "number"),
            )
        }
        there = {name: value for name, value in shown.items() if value is not None}
        return there if len(there) == len(shown) else None

    shown = await until(counted, "the board's meters", seconds=300, every=2)
    truth = {number: board.truth(number) for number in (1, 2)}
    # The kitchen's fridge may rest; then its meter stands still for long.
    for number, name in ((1, "electricity_meter"), (2, "kitchen")):
        reading = shown[f"{name}_meter_reading"]
        assert 0 <= reading <= truth[number]["answered"] / 1000
    assert (await api.get("states/binary_sensor.harbour_board_online"))["state"] == "on"


async def test_only_the_loader_warns(demo: RunningDemo, api: Api) -> None:
    """The log holds the loader's own warning about custom integrations, and nothing else."""
    homes = await entities(api)
    await powers(api, homes)
    unexpected = [line for line in demo.log_lines() if LOADER not in line]
    assert unexpected == []


async def test_home_assistant_listens_on_loopback_for_good(
    demo: RunningDemo, api: Api
) -> None:
    """The address is confirmed, so that nothing ends after five minutes, and is loopback."""
    http = await api.command("http/config")
    assert http["active_config_type"] == "stable"
    assert http["revert_at"] is None
    assert http["stable"]["server_host"] == [LOOPBACK]
    assert listening_addresses(demo.port) == {LOOPBACK}


async def test_nothing_is_left_to_do_for_the_user(demo: RunningDemo, api: Api) -> None:
    """No repair is open, nothing waits to be assigned, and nothing unasked is there."""
    await nothing_to_do(demo.url)
    domains = {e["domain"] for e in await api.get("config/config_entries/entry")}
    assert domains.isdisjoint(
        {"met", "google_translate", "radio_browser", "shopping_list"}
    )


async def test_the_energy_dashboard_is_valid(api: Api) -> None:
    """The homes and the roof are in the Energy dashboard, and it finds no fault in them.

    A board's home has a power after two pulses, which its night makes rare.
    """
    prefs = await api.command("energy/get_prefs")
    kinds = sorted((s["type"], s["name"]) for s in prefs["energy_sources"])
    assert kinds == [
        ("grid", "Elm Street"),
        ("grid", "Harbour Flat"),
        ("grid", "Mill Cottage"),
        ("solar", "Elm Street"),
    ]

    async def valid() -> bool | None:
        """Return True once each statistic has come, which takes the first reading."""
        checks = await api.command("energy/validate")
        return not [check for check in checks["energy_sources"] if check] or None

    await until(valid, "a valid Energy dashboard", seconds=900, every=5)


async def test_a_second_start_finds_everything_as_it_was(
    own_demo: RunningDemo,
) -> None:
    """Entries, devices, entities and the dashboard are the same, and power comes again."""
    own_demo.start()
    first = await everything(own_demo.url)
    assert own_demo.interrupt() == 0
    address = own_demo.simulator_url

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
        await until(api.onboarding, "Home Assistant", seconds=120, every=0.2)
    own_demo.process.kill()
    own_demo.finish()
    await until(lambda: nobody_listens(own_demo.port), "the end of all", seconds=60)

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
    await until(lambda: nobody_listens(own_demo.port), "the end of all", seconds=60)

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
    """Return what a restart must not change."""
    async with Api(url) as api:
        await logged_in(api)
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


async def nothing_to_do(url: str) -> None:
    """See that no repair is open, and that no flow waits: an assignment, a reauthentication."""
    async with Api(url) as api:
        await logged_in(api)
        issues = (await api.command("repairs/list_issues"))["issues"]
        assert [issue for issue in issues if not issue["ignored"]] == []
        flows = await api.command("config_entries/flow/progress")
        assert [flow for flow in flows if flow["handler"] == DOMAIN] == []


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
