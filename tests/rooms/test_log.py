"""What rooms were like, in the ledger and in the answers of get_temperature."""

from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger import Ledger
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import SLOT, Provenance, slot_start
from custom_components.energy_homes.metering.temperature import RoomSlot

from .world import HOUR, MINUTE, HeatedWorld


def ledger_of(elm: HeatedWorld) -> Ledger:
    """Return the ledger."""
    return elm.hass.data[DATA_LEDGER]


async def slots(elm: HeatedWorld, room: str, since: datetime) -> dict[int, RoomSlot]:
    """Return the known slots of a room by their number since an instant."""
    found = await ledger_of(elm).rooms.async_between(
        elm.record(room).room_id, since, elm.virtual.now
    )
    return {(slot.start - since) // SLOT: slot for slot in found}


async def ask(elm: HeatedWorld, **data: object) -> Any:
    """Ask what rooms were like."""
    return await elm.hass.services.async_call(
        DOMAIN, "get_temperature", data, blocking=True, return_response=True
    )


async def test_slots_hold_what_was_shown(elm: HeatedWorld) -> None:
    """Every room's temperature is kept, weighed by how long it was shown."""
    start = elm.virtual.now
    await elm.start()
    room_id = elm.record("Kitchen").room_id
    shown: list[tuple[datetime, float]] = []

    def look() -> None:
        """Note what the room shows."""
        temperature = elm.data.rooms[room_id].temperature
        assert temperature is not None
        assert elm.data.updated is not None
        shown.append((elm.data.updated, temperature))

    look()
    elm.heating.async_add_listener(look)
    await elm.ask("Kitchen", "max")
    await elm.virtual.run(28 * MINUTE)

    found = await slots(elm, "Kitchen", start)
    assert sorted(found) == [0, 1, 2, 3, 4]
    for slot in found.values():
        end = slot.start + SLOT
        stops = [at for at, _ in shown[1:]] + [end]
        mean = sum(
            max(min(stop, end) - max(at, slot.start), timedelta()) / SLOT * temperature
            for (at, temperature), stop in zip(shown, stops, strict=True)
        )
        assert slot.mean == pytest.approx(mean, abs=1e-3)
        assert slot.provenance is Provenance.MEASURED
    assert set(await slots(elm, "Bedroom", start)) == {0, 1, 2, 3, 4}


async def test_a_restart_leaves_no_gap_and_an_outage_does(elm: HeatedWorld) -> None:
    """A short absence costs nothing; what nobody heard is unknown."""
    start = elm.virtual.now
    await elm.start()
    await elm.virtual.run(11 * MINUTE)
    await elm.unload_home()
    await elm.virtual.run(2 * MINUTE)
    await elm.load_home()
    await elm.virtual.run(15 * MINUTE)
    assert set(await slots(elm, "Kitchen", start)) == {0, 1, 2, 3, 4}

    await elm.unload_home()
    await elm.virtual.run(40 * MINUTE)
    await elm.load_home()
    await elm.virtual.run(14 * MINUTE)
    found = await slots(elm, "Kitchen", start)
    assert {*range(6, 13)} & set(found) == set()
    assert {14, 15} <= set(found)


async def test_a_ledger_that_fails_loses_nothing(
    elm: HeatedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """What could not be stored is stored with the next slot; said once."""
    start = elm.virtual.now
    await elm.start()
    await elm.virtual.run(6 * MINUTE)
    ledger = ledger_of(elm)
    await ledger.async_close()
    caplog.set_level(logging.INFO)
    await elm.virtual.run(20 * MINUTE)
    await ledger.async_open()
    # Up to 39 minutes: the newest status, two minutes old at most, ended slot 6 but not 7.
    await elm.virtual.run(12 * MINUTE)

    assert set(await slots(elm, "Kitchen", start)) == {0, 1, 2, 3, 4, 5, 6}
    texts = [record.getMessage() for record in caplog.records]
    assert (
        len([t for t in texts if "Temperatures of" in t and "trying again" in t]) == 1
    )
    assert len([t for t in texts if "Temperatures of" in t and "again" in t]) == 2
    await elm.unload_home()


async def test_the_end_of_home_assistant_stores_what_was_heard(
    elm: HeatedWorld,
) -> None:
    """The newest temperature of a slot that is not over is there at the next start."""
    await elm.start()
    await elm.virtual.run(3 * MINUTE)
    heard = elm.data.updated
    elm.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await elm.virtual.settle()

    ledger = ledger_of(elm)
    await ledger.async_open()
    stored = await ledger.rooms.async_load(elm.record("Kitchen").room_id)
    assert stored.readings[-1].at == heard
    await ledger.async_close()


@pytest.mark.parametrize(
    "virtual_start", [datetime(2026, 11, 18, 10, 2, tzinfo=UTC)], ids=["inside a slot"]
)
async def test_get_temperature_answers_the_past(
    elm: HeatedWorld, virtual_start: datetime
) -> None:
    """Means, lowest and highest per period, and where they come from."""
    start = slot_start(virtual_start)
    await elm.start()
    await elm.virtual.run(62 * MINUTE)
    # The vendor's history knows what was before the first status, and warmer.
    room_id = elm.record("Kitchen").room_id
    await ledger_of(elm).rooms.async_settle(
        room_id,
        [
            RoomSlot(
                start=start,
                mean=30.0,
                low=29.0,
                high=31.0,
                provenance=Provenance.VENDOR,
            )
        ],
    )
    span = {"start": start - HOUR, "end": start + 3 * HOUR}

    answer = await ask(elm, room="Kitchen", **span)
    ((_, kitchen),) = answer["Elm Street"]["rooms"].items()
    (period,) = kitchen["periods"]
    assert period["start"] == start.isoformat()
    assert period["end"] == (start + HOUR).isoformat()
    assert (period["max"], period["quality"]) == (
        31.0,
        {"measured": 3300, "vendor": 300, "interpolated": 0, "unknown": 0},
    )
    assert period["min"] < period["temperature"] < 30.0

    answer = await ask(elm, room="Kitchen", period="5", **span)
    periods = answer["Elm Street"]["rooms"]["Kitchen"]["periods"]
    assert len(periods) == 12
    assert periods[0]["temperature"] == 30.0
    answer = await ask(elm, period="30", format="csv", **span)
    lines = answer["csv"].splitlines()
    assert lines[0] == (
        "home,room,start,end,temperature,min,max,"
        "measured_seconds,vendor_seconds,interpolated_seconds,unknown_seconds"
    )
    assert len(lines) == 1 + 2 * len(elm.heating.rooms)
    kitchens = [line for line in lines if ",Kitchen," in line]
    assert kitchens[0].endswith(",31.0,1500,300,0,0")
    bedrooms = [line for line in lines if ",Bedroom," in line]
    assert bedrooms[0].endswith(",1500,0,0,300")


async def test_a_room_that_was_never_heard_has_no_past(elm: HeatedWorld) -> None:
    """Without a slot there is no period."""
    start = elm.virtual.now
    await elm.start()
    answer = await ask(elm, room="Kitchen", start=start - HOUR, end=start + HOUR)
    assert answer["Elm Street"]["rooms"] == {"Kitchen": {"periods": []}}


NO_PAST: list[tuple[dict[str, Any], str]] = [
    ({"end": "2026-11-18 10:00:00"}, "span_needed"),
    ({"format": "csv"}, "span_needed"),
    ({"start": "2026-11-18 10:00", "end": "2026-11-18 10:00"}, "bad_span"),
    ({"start": "2016-11-18 10:00", "end": "2026-11-18 10:00"}, "span_too_long"),
    (
        {"start": "2026-11-18", "end": "2026-11-19", "period": "7"},
        "unknown_period",
    ),
    (
        {"start": "2026-11-18", "end": "2026-11-19", "format": "xml"},
        "unknown_format",
    ),
]


async def test_a_past_that_makes_no_sense_is_refused(
    elm: HeatedWorld, subtests: pytest.Subtests
) -> None:
    """The error names what may be asked."""
    await elm.start()
    for data, key in NO_PAST:
        with subtests.test(str(data)):
            with pytest.raises(ServiceValidationError) as raised:
                await ask(elm, **data)
            assert raised.value.translation_key == key
