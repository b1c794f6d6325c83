"""The past of a heating's rooms is imported, as that of meters is."""

from datetime import UTC, date, datetime, timedelta

from custom_components.energy_homes.history.backfill import DATA_BACKFILL
from custom_components.energy_homes.history.job import JobState
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import Provenance
from custom_components.energy_homes.models import Problem
from tests.history.backfill_kit import imported_from
from tests.netatmo_control import NetatmoControl
from tests.rooms.world import MINUTE, SECOND, HeatedWorld

MEASURE = "getroommeasure"
ROOMS = ["Living room", "Kitchen", "Bedroom", "Office"]


def want_backfill(elm: HeatedWorld, day: date) -> None:
    """Let the heating be one whose past was wanted from a day on."""
    (subentry,) = elm.home.subentries.values()
    data = imported_from({"data": dict(subentry.data)}, day)["data"]  # type: ignore[typeddict-item]
    object.__setattr__(subentry, "data", data)


async def test_rooms_are_imported_from_a_day_on(
    elm: HeatedWorld, netatmo: NetatmoControl
) -> None:
    """Each room has a job; together they are the home's import."""
    want_backfill(elm, date(2026, 11, 10))
    await elm.start()
    jobs = elm.hass.data[DATA_BACKFILL].jobs
    found = [jobs.get(elm.record(room).room_id) for room in ROOMS]
    assert [job and job.state for job in found] == [JobState.DONE] * 4
    assert netatmo.calls()[MEASURE] == 4
    begin = datetime(2026, 11, 10, tzinfo=UTC)
    for room in ROOMS:
        slots = await elm.hass.data[DATA_LEDGER].rooms.async_between(
            elm.record(room).room_id, datetime(2000, 1, 1, tzinfo=UTC), elm.virtual.now
        )
        vendor = [one for one in slots if one.provenance is Provenance.VENDOR]
        assert vendor[0].start == begin
        job = jobs.get(elm.record(room).room_id)
        assert job is not None
        assert job.filled == {"room": len(vendor)}
        assert job.begin == begin


async def test_rooms_by_the_action(elm: HeatedWorld, netatmo: NetatmoControl) -> None:
    """Rooms wait as meters do, and are told beside them; a named meter means no room."""
    await elm.start()
    netatmo.simulator.fault("http_503", command=MEASURE)
    asked = elm.hass.async_create_task(
        elm.hass.services.async_call(
            "energy_homes",
            "import_history",
            {"start": "2026-11-12"},
            blocking=True,
            return_response=True,
        )
    )
    await elm.virtual.settle()
    while not asked.done():
        await elm.virtual.run(SECOND)
    answer = await asked
    assert answer is not None
    told = answer[elm.home.title]
    assert isinstance(told, dict)
    assert told["meters"] == []
    assert [room["name"] for room in told["rooms"]] == ROOMS  # type: ignore[index,union-attr,call-overload]
    assert {room["problem"] for room in told["rooms"]} == {Problem.CLOUD}  # type: ignore[index,union-attr,call-overload]

    netatmo.simulator.clear_faults()
    await elm.virtual.run(61 * MINUTE + timedelta(seconds=30))
    jobs = elm.hass.data[DATA_BACKFILL].jobs
    assert jobs.percent(elm.home.data["home_id"]) == 100
