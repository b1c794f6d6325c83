"""The demo as its user sees it."""

from datetime import datetime, timedelta

import pytest

from demo.api import Api
from demo.energy import state_of
from demo.folder import LOOPBACK
from demo.wait import until
from tests.board_control import BoardControl
from tests.e2e.machine import listening_addresses
from tests.e2e.shared import SharedDemo
from tests.e2e.shown import GRID_METERS, LOADER, entities, nothing_to_do, powers

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("shared demo"),
    pytest.mark.timeout(1200),
]

FRESH = timedelta(seconds=40)
OLDEST = timedelta(seconds=80)
"""What no machine may exceed: the reading before the last one."""

MOMENTS = 40
LATE = 4
"""Moments at which a busy machine may have been a poll behind."""


async def test_power_is_what_the_meter_published_at_most_40_seconds_ago(
    demo: SharedDemo, api: Api
) -> None:
    """Both homes show a fresh reading at 40 moments over two minutes, and never an old one."""
    homes = await entities(api)
    simulator = demo.simulator()
    late: list[str] = []
    stale: list[str] = []
    moments: list[datetime] = []

    async def watched() -> bool | None:
        """Compare both homes, and return True after the last moment."""
        now = demo.now
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


async def test_a_board_measures_the_third_home(demo: SharedDemo, api: Api) -> None:
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


async def test_only_the_loader_warns(demo: SharedDemo, api: Api) -> None:
    """The log holds the loader's own warning about custom integrations, and nothing else."""
    homes = await entities(api)
    await powers(api, homes)
    unexpected = [line for line in demo.log_lines() if LOADER not in line]
    assert unexpected == []


async def test_home_assistant_listens_on_loopback_for_good(
    demo: SharedDemo, api: Api
) -> None:
    """The address is confirmed, so that nothing ends after five minutes, and is loopback."""
    http = await api.command("http/config")
    assert http["active_config_type"] == "stable"
    assert http["revert_at"] is None
    assert http["stable"]["server_host"] == [LOOPBACK]
    assert listening_addresses(demo.port) == {LOOPBACK}


async def test_nothing_is_left_to_do_for_the_user(demo: SharedDemo, api: Api) -> None:
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
