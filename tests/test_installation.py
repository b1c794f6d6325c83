"""Installations of earlier releases start with everything as it was, and go on.

The folders are in `tests/installations`, made by the releases themselves. Home Assistant loads one as
it does when a release is exchanged; nothing may be lost, renamed or counted anew. Nothing here
knows how the package is built.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
import json
import logging
import os
from pathlib import Path
import re
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers.storage import Store
import pytest

from simulator.shared_time import SharedTime
from tests.chance import decide
from tests.installations.folder import CONFIG_STORAGE, HERE, STORAGE, Kept
from tests.installations.record import issues, record_files, record_live, states
from tests.installations.running import DOMAIN, Running, call_board, furnish, running
from tests.simulator_client import SimulatorClient, start_simulator

MINUTE: Final = timedelta(minutes=1)
STEP: Final = timedelta(seconds=20)
"""Timers may fire so late: nothing here is about seconds.

With that, a stream that is kept alive every 13 s does not look dead, which it does after 35 s.
"""

OFF: Final = 14 * MINUTE
"""So long the update took: an hour ends soon after, and later active requests are renewed."""

NAMES: Final = sorted(
    path.name for path in HERE.iterdir() if (path / "storage").is_dir()
)

type Json = dict[str, Any]


@pytest.fixture(params=NAMES)
def kept(request: pytest.FixtureRequest) -> Kept:
    """Return each installation."""
    return Kept(request.param)


@pytest.fixture
def stores_read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names of the stores that are read: a file that is left is not one of them."""
    read: set[str] = set()
    load = Store.async_load

    async def async_load(store: Store[Any]) -> Any:
        """Note the name."""
        read.add(store.key)
        return await load(store)

    monkeypatch.setattr(Store, "async_load", async_load)
    return read


class Update:
    """An installation on this machine, and the clouds that it knows."""

    def __init__(
        self,
        kept: Kept,
        folder: Path,
        freezer: FrozenDateTimeFactory,
        simulator: SimulatorClient,
        config: pytest.Config,
    ) -> None:
        """Take a folder that is unpacked."""
        self.expected = kept.expected
        self.folder = folder
        self._freezer = freezer
        self._simulator = simulator
        self._config = config

    @property
    def storage(self) -> Path:
        """Return where the stores are."""
        return self.folder / CONFIG_STORAGE

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Running]:
        """Start Home Assistant, with a board that calls it; stop it in the end."""
        prepare = partial(decide, config=self._config)
        async with running(self.folder, self._freezer, self._simulator, prepare) as run:
            await call_board(run, announced=True)
            yield run


@pytest.fixture
def update(
    request: pytest.FixtureRequest,
    kept: Kept,
    freezer: FrozenDateTimeFactory,
    socket_enabled: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Update]:
    """Return an installation some minutes after its release was stopped."""
    folder = tmp_path / "config"
    kept.unpack(folder)
    begin = kept.left_at + OFF
    freezer.move_to(begin)
    clock, state = tmp_path / "clock", tmp_path / "simulator.json"
    kept.unpack_simulator(state)
    process, url = start_simulator(
        *("--frozen", str(begin.timestamp())),
        *("--clock", str(clock), "--state", str(state)),
        parent_pid=os.getpid(),
    )
    for vendor in ("EFERGY", "NETATMO", "PARTICLE"):
        monkeypatch.setenv(f"ENERGY_HOMES_{vendor}_URL", url)
    simulator = SimulatorClient(url, SharedTime(clock))
    furnish(simulator)
    yield Update(kept, folder, freezer, simulator, request.config)
    simulator.close()
    process.terminate()
    process.wait()


async def test_nothing_is_lost(
    kept: Kept,
    update: Update,
    stores_read: set[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An installation starts with all that it had, goes on over an hour's end, and is whole."""
    caplog.set_level(logging.WARNING)
    before = update.expected
    async with update.running() as run:
        await run.live(4 * MINUTE, STEP)
        now = await record_live(run.hass)
        for what in ("entries", "devices", "entities"):
            assert_kept(what, before[what], now[what])
        assert set(now["entries"]) == set(before["entries"])
        assert_no_doubles(before, now)
        assert_actions(before["actions"], now["actions"])
        assert set(now["issues"]) <= set(before["issues"])

        # A board that has begun anew knows no power before its second pulse.
        await run.live(11 * MINUTE, STEP)
        later = states(run.hass)
        assert_shown(before["states"], later)
        assert set(issues(run.hass)) <= set(before["issues"])

        await reload_all(run)
        await run.live(14 * MINUTE, STEP)
        assert_shown(later, states(run.hass))
    files = record_files(update.folder)
    assert set(before["stores"]) - stores_read == set()
    assert set(before["stores"]) - set(files["stores"]) == set()
    for name in before["stores"]:
        old, new = stored(kept.path / STORAGE, name), stored(update.storage, name)
        assert list(lost(old, new)) == [], name
    assert_requests(requests(kept.path / STORAGE), requests(update.storage), run.now)
    assert_ledger(before["ledger"], files["ledger"])
    assert_statistics(before, files["statistics"])
    assert complaints(caplog) == []


async def reload_all(run: Running) -> None:
    """Unload each entry and set it up again."""
    manager = run.hass.config_entries
    for entry in manager.async_entries(DOMAIN):
        assert await manager.async_unload(entry.entry_id), entry.title
        await run.settle()
        assert await manager.async_setup(entry.entry_id), entry.title
        await run.settle()
        assert entry.state is ConfigEntryState.LOADED, entry.title


def stored(storage: Path, name: str) -> Json:
    """Return a store."""
    store: Json = json.loads((storage / name).read_text("utf-8"))
    return store


def lost(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Yield what a store does not have any more; calls of late are forgotten in time."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key, value in before.items():
            if key == "budget":
                continue
            if key in now:
                yield from lost(value, now[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(before, list) and isinstance(now, list):
        if len(now) < len(before):
            yield f"{path}: {len(before)} are {len(now)}"
        for place, (one, other) in enumerate(zip(before, now, strict=False)):
            yield from lost(one, other, f"{path}[{place}]")
    elif before is not None and (now is None or isinstance(now, dict | list)):
        yield f"{path}: {now}"


def requests(storage: Path) -> Json:
    """Return the active setpoints, with until when the cloud holds them, by room."""
    return {
        room: [(one["request"], one["command"]["until"]) for one in active]
        for path in storage.glob(f"{DOMAIN}.heating.*")
        for room, active in stored(storage, path.name)["data"]["rooms"].items()
    }


def assert_requests(before: Json, now: Json, ended: datetime) -> None:
    """Check that the same setpoints are active, and that the cloud has been told again."""
    assert before
    assert now.keys() == before.keys()
    for room, active in before.items():
        assert [one for one, _ in now[room]] == [one for one, _ in active], room
        for (_, until), (_, told) in zip(now[room], active, strict=True):
            assert datetime.fromisoformat(until) > datetime.fromisoformat(told), room
            assert datetime.fromisoformat(until) > ended, room


def assert_kept(what: str, before: Json, now: Json) -> None:
    """Check that everything is there as it was; there may be more."""
    for key, one in before.items():
        assert key in now, f"{what} {key} is gone"
        assert now[key] == one, f"{what} {key} has changed"


def assert_no_doubles(before: Json, now: Json) -> None:
    """Check that nothing came back beside itself."""
    new = set(now["entities"]) - set(before["entities"])
    stems = {re.sub(r"_\d+$", "", entity_id): entity_id for entity_id in new}
    assert [stems[stem] for stem in stems if stem in before["entities"]] == []
    named = {(one["entry"], one["name"]) for one in before["devices"].values()}
    for key, device in now["devices"].items():
        known = key in before["devices"]
        assert known or (device["entry"], device["name"]) not in named, device


def assert_actions(before: Json, now: Json) -> None:
    """Check that automations can call what they called, and people read what it does."""
    for name, action in before.items():
        assert name in now, f"{name} is gone"
        assert now[name]["responds"] == action["responds"], name
        for field, form in action["fields"].items():
            assert now[name]["fields"].get(field) == form, f"{name}: {field}"
        required = {
            f for f, form in now[name]["fields"].items() if form.get("required")
        }
        assert required <= set(action["fields"]), f"{name} asks for more"
        assert set(action["texts"]) - set(now[name]["texts"]) == set(), name


def assert_shown(before: Json, now: Json) -> None:
    """Check that entities are there where they were, and that no total has fallen."""
    wrong = {
        entity_id: fault
        for entity_id, state in before.items()
        if state and (fault := fault_of(state, now.get(entity_id)))
    }
    assert wrong == {}


def fault_of(before: Json, now: Json | None) -> str | None:
    """Return what is wrong with a state, compared with that of before."""
    if now is None:
        return "has no state"
    if now["restored"] and not before["restored"]:
        return "is not provided"
    if not before["available"]:
        return None
    if not now["available"]:
        return "is unavailable"
    for what in ("name", "unit", "state_class"):
        if now[what] != before[what]:
            return f"has another {what}: {now[what]}"
    if before["state_class"] in {"total", "total_increasing"}:
        known, counted = number(before), number(now)
        if known is not None and (counted is None or counted < known):
            return f"has fallen from {before['state']} to {now['state']}"
    return None


def number(state: Json) -> float | None:
    """Return a state as a number, where it is one."""
    try:
        return float(state["state"])
    except ValueError:
        return None


def assert_ledger(before: Json, now: Json) -> None:
    """Check that no slot is lost, and that what was known is counted as it was."""
    assert now["homes"] == before["homes"]
    assert now["channels"] == before["channels"]
    for room, (count, first) in before["rooms"].items():
        assert now["rooms"][room][0] >= count, room
        assert now["rooms"][room][1] <= first, room
    assert set(now["rooms"]) == set(before["rooms"])
    assert set(now["meters"]) == set(before["meters"])
    for source_id, meter in before["meters"].items():
        assert now["meters"][source_id]["home"] == meter["home"]
        slots = now["meters"][source_id]["slots"]
        for measure in range(3):
            known = total(meter["slots"], measure)
            assert total(slots, measure) >= known, source_id


def total(slots: Json, measure: int) -> float:
    """Return the sum over all provenances: 0 counts slots, 1 energy, 2 returned."""
    return float(sum(sums[measure] for sums in slots.values()))


def assert_statistics(before: Json, now: Json) -> None:
    """Check that hours of the past are as they were, to the digit, and go on from there."""
    assert set(now) >= set(before["statistics"])
    for statistic_id, was in before["statistics"].items():
        its = now[statistic_id]
        assert its["metadata"] == was["metadata"], statistic_id
        rows = its["hours"][: len(was["hours"])]
        assert rows == was["hours"], f"hours of {statistic_id}"
        starts = [row[0] for row in its["hours"]]
        assert starts == sorted(set(starts)), statistic_id
        sums = [row[-1] for row in its["hours"] if row[-1] is not None]
        if was["metadata"]["has_sum"] and statistic_id.endswith("_energy"):
            assert sums == sorted(sums), f"sums of {statistic_id}"
        shown = before["states"].get(statistic_id)
        if shown and shown["available"] and was["hours"]:
            assert len(its["hours"]) > len(was["hours"]), f"{statistic_id} has ended"


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the package has logged, warnings and worse, in all phases of a test."""
    return [
        f"{record.name}: {record.getMessage()}"
        for record in caplog.get_records("call")
        if record.levelno >= logging.WARNING
        and record.name.startswith(f"custom_components.{DOMAIN}")
    ]
