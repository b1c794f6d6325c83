"""Which meters an account has: reporting, ghosts, missing, and the only one."""

from datetime import UTC, datetime, timedelta
import json

import pytest

from custom_components.energy_homes.accounts.efergy.inventory import (
    FORGET_AFTER,
    INSTANT_METER,
    STALE_AFTER,
    Inventory,
)
from custom_components.energy_homes.clouds.efergy.models import (
    CurrentValue,
    InstantValue,
)
from custom_components.energy_homes.metering.model import MeterRole, PowerReading
from custom_components.energy_homes.metering.readings import MAX_AHEAD
from custom_components.energy_homes.metering.slots import AddResult, PowerSlotter

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
OLD = NOW - timedelta(hours=44)


def value(
    sid: str = "1",
    at: datetime | None = NOW,
    *,
    power: float | None = 100,
    age: timedelta | None = None,
    role: MeterRole = MeterRole.GRID,
    nonsense: str | None = None,
) -> CurrentValue:
    """Return a value as the client reads it."""
    return CurrentValue(
        sid=sid, cid="", role=role, power=power, at=at, age=age, nonsense=nonsense
    )


def test_only_new_readings_are_readings() -> None:
    """A stamp that was seen before, or an older one, is not a reading again."""
    inventory = Inventory()
    assert inventory.update([value()], NOW) == ({"1": PowerReading(NOW, 100)}, 0)
    assert inventory.update([value()], NOW + 5 * SECOND) == ({}, 0)
    assert inventory.update([value(at=NOW - MINUTE)], NOW + 6 * SECOND) == ({}, 0)
    later = NOW + 30 * SECOND
    readings, _ = inventory.update([value(at=later, power=0)], later)
    assert readings == {"1": PowerReading(later, 0)}
    assert inventory.reading("1", later) == PowerReading(later, 0)


def test_ghosts() -> None:
    """Sid 0 and what never reported are ghosts, until it does report."""
    inventory = Inventory()
    values = [value("0"), value("1", OLD), value("2", None, power=None), value("3")]
    readings, _ = inventory.update(values, NOW)
    assert {sid for sid, meter in inventory.meters.items() if meter.ghost} == {
        "0",
        "1",
        "2",
    }
    assert "1" not in readings
    assert not inventory.missing
    assert set(inventory.stamps) == {"3"}
    inventory.update([value("1"), value("3")], NOW)
    assert not inventory.meters["1"].ghost


def test_missing_meters() -> None:
    """A meter that is not listed or has gone silent is missing, until it is back."""
    inventory = Inventory()
    inventory.update([value("1"), value("2")], NOW)
    at = NOW + MINUTE
    inventory.update([value("1", at)], at)
    assert inventory.missing == {"2": at}
    assert inventory.reading("2", at) is None
    silent = at + STALE_AFTER + SECOND
    inventory.update([value("1", at), value("2", silent)], silent)
    assert inventory.missing == {"1": silent}
    assert inventory.reading("1", silent) is None
    inventory.update([value("1", silent + SECOND), value("2")], silent + SECOND)
    assert not inventory.missing
    assert inventory.next_stale() == silent + STALE_AFTER


def test_a_restart_remembers() -> None:
    """Known meters are known after a restart, with since when they are missing."""
    inventory = Inventory()
    inventory.update([value("1"), value("2"), value("0", OLD)], NOW)
    inventory.update([value("1", NOW + MINUTE)], NOW + MINUTE)
    stored = json.loads(json.dumps(inventory.as_data()))
    again = Inventory(stored)
    assert set(again.meters) == {"1", "2"}
    assert not any(meter.ghost for meter in again.meters.values())
    assert again.missing == {"2": NOW + MINUTE}
    # The reading that is newest now was read before, and is yet to be shown.
    readings, _ = again.update([value("1", NOW + MINUTE)], NOW + 2 * MINUTE)
    assert set(readings) == {"1"}


def test_a_meter_that_is_gone_is_forgotten() -> None:
    """A replaced meter does not stay for ever."""
    inventory = Inventory()
    inventory.update([value("1"), value("2")], NOW)
    inventory.update([value("2", NOW + MINUTE)], NOW + MINUTE)
    later = NOW + 2 * MINUTE + FORGET_AFTER
    inventory.update([value("2", later)], later)
    assert set(inventory.meters) == {"2"}


def test_nonsense_is_counted_and_skipped() -> None:
    """Values that make no sense, and stamps in the future, change nothing."""
    inventory = Inventory()
    inventory.update([value("1"), value("2")], NOW)
    broken = value("1", None, power=None, nonsense="what")
    ahead = value("2", NOW + timedelta(hours=2))
    at = NOW + 30 * SECOND
    assert inventory.update([broken, ahead], at) == ({}, 2)
    assert not inventory.missing
    assert inventory.meters["2"].last_seen == NOW
    readings, nonsense = inventory.update([value("1", at), value("2", at)], at)
    assert (set(readings), nonsense) == ({"1", "2"}, 0)


@pytest.mark.parametrize("ahead", [MAX_AHEAD - SECOND, MAX_AHEAD])
def test_a_stamp_a_little_ahead_is_for_the_slots(ahead: timedelta) -> None:
    """What passes here is a reading that slots take."""
    readings, nonsense = Inventory().update([value(at=NOW + ahead)], NOW)
    assert nonsense == 0
    assert PowerSlotter().add(readings["1"], NOW) is AddResult.ACCEPTED


@pytest.mark.parametrize("ahead", [MAX_AHEAD + SECOND, 3 * MINUTE, 5 * MINUTE])
def test_a_stamp_that_no_slot_takes_is_nonsense(ahead: timedelta) -> None:
    """What slots would refuse is counted here, and the meter does not report."""
    early = value(at=NOW + ahead)
    inventory = Inventory()
    assert inventory.update([early], NOW) == ({}, 1)
    assert inventory.reading("1", NOW) is None
    instant = InstantValue(power=50, at=NOW + ahead, age=SECOND)
    assert Inventory().update_instant(instant, NOW) == ({}, 1)
    reading = PowerReading(NOW + ahead, 100)
    assert PowerSlotter().add(reading, NOW) is AddResult.FUTURE


@pytest.mark.parametrize("back", [3 * MINUTE, timedelta(hours=1), timedelta(days=400)])
def test_a_clock_set_back(back: timedelta) -> None:
    """What was known of a time that is yet to come does not keep new readings out."""
    inventory = Inventory()
    inventory.update([value("1"), value("2")], NOW)
    inventory.update([value("1", NOW + SECOND)], NOW + SECOND)
    now = NOW - back
    inventory.refresh(now)
    assert inventory.reading("1", now) is None
    assert inventory.missing == {"1": now, "2": now}
    assert {meter.last_seen for meter in inventory.meters.values()} == {now}
    readings, nonsense = inventory.update([value("1", now, power=7)], now)
    assert (readings, nonsense) == ({"1": PowerReading(now, 7)}, 0)
    assert inventory.missing == {"2": now}
    assert inventory.sole_meter is None


def test_a_clock_set_back_a_little() -> None:
    """Readings before the newest one are known already, for as long as it may lie ahead."""
    inventory = Inventory()
    inventory.update([value()], NOW)
    ignored = [
        now
        for n in range(8)
        for now in [NOW - 90 * SECOND + n * 15 * SECOND]
        if not inventory.update([value(at=now)], now)[0]
    ]
    assert len(ignored) == 7
    assert not inventory.missing


def test_the_vendors_clock_may_differ() -> None:
    """Stamps are moved to our clock where the age says so, else believed."""
    inventory = Inventory()
    slow = NOW - 20 * SECOND
    inventory.update([value("1", slow, age=2 * SECOND)], NOW)
    assert inventory.stamps == {"1": NOW - 2 * SECOND}
    inventory.update([value("2", NOW - 3 * SECOND, age=2 * SECOND)], NOW)
    assert inventory.stamps == {"2": NOW - 3 * SECOND}
    inventory.update([value("3", OLD, age=SECOND)], NOW)
    assert inventory.meters["3"].ghost


def test_the_only_meter() -> None:
    """The household's power stands for a grid meter that is alone, whatever was before."""
    inventory = Inventory()
    assert inventory.sole_meter == INSTANT_METER
    inventory.update([value("1"), value("0")], NOW)
    assert inventory.sole_meter == "1"
    inventory.update([value("1"), value("2", role=MeterRole.GENERATION)], NOW)
    assert inventory.sole_meter is None
    later = NOW + timedelta(hours=2)
    inventory.update([value("1", later)], later)
    assert inventory.sole_meter == "1"
    at = later + 30 * SECOND
    readings, nonsense = inventory.update_instant(
        InstantValue(power=50, at=at, age=SECOND), at
    )
    assert (readings, nonsense) == ({"1": PowerReading(at, 50)}, 0)


def test_a_meter_without_a_number_keeps_its_name() -> None:
    """What began with the household's power goes on when the summary comes back."""
    inventory = Inventory()
    inventory.update_instant(InstantValue(power=50, at=NOW, age=SECOND), NOW)
    assert set(inventory.meters) == {INSTANT_METER}
    again = Inventory(json.loads(json.dumps(inventory.as_data())))
    at = NOW + 30 * SECOND
    readings, _ = again.update([value("728386", at), value("0", OLD)], at)
    assert set(readings) == {INSTANT_METER}
    restored = Inventory(json.loads(json.dumps(again.as_data())))
    later = at + 30 * SECOND
    readings, _ = restored.update([value("728386", later)], later)
    assert set(readings) == {INSTANT_METER}
