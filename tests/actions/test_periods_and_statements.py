"""The actions that answer from the ledger: periods and statements, and what they refuse."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.energy_homes.const import CONF_TIME_ZONE, DOMAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
    unknown_slot,
)
from tests.builders import entity_revision, home_entry, meter_subentry, set_up

T0 = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 18, 12, 7, tzinfo=UTC)
LAST_SUMMER = datetime(2026, 8, 1, tzinfo=UTC)
GRID = MeterRole.GRID


@pytest.fixture(autouse=True)
def at_noon(freezer: FrozenDateTimeFactory) -> None:
    """Begin every test at noon."""
    freezer.move_to(NOON)


def meter(source_id: str, **options: Any) -> Any:
    """Return a meter that never says anything by itself."""
    return meter_subentry(source_id, entity_revision(f"sensor.{source_id}"), **options)


def slots(
    begin: datetime, count: int, energy: float | None = 0.1, **options: Any
) -> list[Slot]:
    """Return slots that follow on each other; unknown ones without an energy."""
    return [
        unknown_slot(begin + number * SLOT)
        if energy is None
        else Slot(
            start=begin + number * SLOT,
            energy=energy,
            returned=options.get("returned", 0.0),
            provenance=options.get("provenance", Provenance.MEASURED),
        )
        for number in range(count)
    ]


async def settle(
    hass: HomeAssistant, source_id: str, *given: list[Slot], role: MeterRole = GRID
) -> None:
    """Write slots into the ledger, as a meter does."""
    ledger = hass.data[DATA_LEDGER]
    for some in given:
        await ledger.slots.async_settle(source_id, role, some, [])


async def ask(hass: HomeAssistant, action: str, **data: object) -> Any:
    """Ask a question."""
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )


async def test_periods_of_the_only_home(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A quarter's document: known part, unknown part, and where it comes from."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    await settle(
        hass,
        "grid",
        slots(T0, 3),
        slots(T0 + 3 * SLOT, 4, None),
        slots(T0 + 7 * SLOT, 8, 0.25, returned=0.5),
    )

    answer = await ask(
        hass, "get_periods", start="2026-11-18 10:15:00", end="2026-11-18T11:00:00Z"
    )
    assert list(answer) == ["Shed"]
    assert answer["Shed"]["meters"] == {
        "grid": {"name": "Electricity meter", "role": "grid"}
    }
    documents = answer["Shed"]["periods"]
    assert [one["id"] for one in documents] == [
        f"cache_2026-11-18T10:{minute}:00Z_PT15M_grid_energyAccumulation"
        for minute in (15, 30, 45)
    ]
    ten_ms = round(T0.timestamp() * 1000)
    assert documents[1] == {
        "id": "cache_2026-11-18T10:30:00Z_PT15M_grid_energyAccumulation",
        "periodStartDateMillis": ten_ms + 1_800_000,
        "periodDurationMillis": 900_000,
        "sourceId": "grid",
        "cacheName": "energyAccumulation",
        "nodes": [
            {
                "fragmentId": 1,
                "data": {
                    "identifier": "grid",
                    "generationKWH": 0.25,
                    "returnedKWH": 0.5,
                    "firstDateMillis": ten_ms + 8 * 300_000 - 1,
                    "lastDateMillis": ten_ms + 9 * 300_000 - 1,
                    "unknownGenerationKWH": 0.25,
                    "unknownReturnedKWH": 0.5,
                    "unknownStartDateMillis": ten_ms + 3 * 300_000 - 1,
                    "quality": {
                        "measured": 600,
                        "vendor": 0,
                        "interpolated": 0,
                        "unknown": 300,
                    },
                },
            }
        ],
    }
    assert documents[0]["nodes"][0]["data"]["firstDateMillis"] is None
    assert documents[0]["nodes"][0]["data"]["quality"]["unknown"] == 900
    assert documents[2]["nodes"][0]["data"]["generationKWH"] == 0.75


async def test_newest_quarter_is_the_last_but_one(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A span may reach into the future: what does not exist yet is left out."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    await settle(hass, "grid", slots(T0, 25))
    span = {"start": "2026-11-18 11:00:00", "end": "2026-11-19 11:00:00"}

    async def starts(**data: object) -> list[str]:
        """Return the starts of the periods there are, in hours and minutes."""
        answer = await ask(hass, "get_periods", **span, **data)
        return [one["id"][17:22] for one in answer["Shed"]["periods"]]

    assert await starts() == ["11:00", "11:15", "11:30"]
    assert await starts(period=30) == ["11:00"]
    assert await starts(period="PT1H") == []
    assert (await starts(period="5"))[-1] == "11:55"
    freezer.move_to(datetime(2026, 11, 18, 12, 15, tzinfo=UTC))
    assert await starts() == ["11:00", "11:15", "11:30", "11:45"]
    assert await starts(period="60") == ["11:00"]


async def test_repaired_slot_is_in_the_next_answer(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A stored period is made again where a slot in it became known."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    await settle(hass, "grid", slots(T0, 6), slots(T0 + 6 * SLOT, 3, None))
    await settle(hass, "grid", slots(T0 + 9 * SLOT, 6))

    async def total() -> float:
        """Return the energy of an hour, known and unknown."""
        answer = await ask(
            hass, "get_periods", start="2026-11-18 10:00", end="2026-11-18 11:00"
        )
        nodes = [one["nodes"][0]["data"] for one in answer["Shed"]["periods"]]
        parts = [n["generationKWH"] + n["unknownGenerationKWH"] for n in nodes]
        return round(float(sum(parts)), 6)

    assert await total() == 0.8
    await settle(hass, "grid", slots(T0 + 6 * SLOT, 3, 1, provenance=Provenance.VENDOR))
    assert await total() == 3.8


async def test_meter_that_was_removed_keeps_its_periods(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A gone meter is in the answer where it counted something, and after it is not."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    ledger = hass.data[DATA_LEDGER]
    await ledger.sources.async_add("gone", "home-shed")
    await settle(hass, "gone", slots(T0, 8))
    await settle(hass, "grid", slots(T0 + 8 * SLOT, 12))

    answer = await ask(
        hass, "get_periods", start="2026-11-18 10:00", end="2026-11-18 11:15"
    )
    assert answer["Shed"]["meters"] == {
        "grid": {"name": "Electricity meter", "role": "grid"},
        "gone": {"name": None, "role": None},
    }
    assert [one["id"][17:22] for one in answer["Shed"]["periods"]] == [
        *("10:30", "10:45", "11:00"),
        *("10:00", "10:15", "10:30"),
    ]
    answer = await ask(
        hass, "get_periods", start="2026-11-18 11:00", end="2026-11-18 11:30"
    )
    assert set(answer["Shed"]["meters"]) == {"grid"}
    statement = await ask(hass, "get_statement", month="2026-11")
    assert statement["Shed"]["energy"] == 2.0
    assert [one["name"] for one in statement["Shed"]["meters"]] == [
        "Electricity meter",
        None,
    ]


async def test_periods_as_csv(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """One table of all homes; a home's span is in its own time zone."""

    barn = MockConfigEntry(
        domain=DOMAIN,
        title="Barn",
        unique_id="home-barn",
        data={**home_entry("Barn").data, CONF_TIME_ZONE: "Europe/Berlin"},
        subentries_data=[meter("barn", name="Solar", role=MeterRole.GENERATION)],
    )
    await set_up(hass, home_entry("Shed", meter("grid")), barn)
    await settle(hass, "grid", slots(T0, 12))
    await settle(hass, "barn", slots(T0 - 12 * SLOT, 24), role=MeterRole.GENERATION)

    answer = await ask(
        hass,
        "get_periods",
        home=["Shed", "Barn"],
        start="2026-11-18 10:15:00",
        end="2026-11-18 10:30:00",
        format="CSV",
    )
    assert list(answer) == ["csv"]
    rows = list(csv.DictReader(StringIO(answer["csv"])))
    assert [(row["home"], row["meter"], row["role"], row["start"]) for row in rows] == [
        ("Shed", "Electricity meter", "grid", "2026-11-18T10:15:00Z"),
        ("Barn", "Solar", "generation", "2026-11-18T09:15:00Z"),
    ]
    assert rows[0]["energy_kwh"] == "0.3"
    assert rows[0]["first"] == "2026-11-18T10:14:59.999Z"
    assert rows[0]["unknown_start"] == ""
    assert rows[0]["measured_s"] == "900"


async def test_periods_by_id(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Ids of an earlier answer find the same documents, those of more homes too."""
    await set_up(
        hass, home_entry("Shed", meter("grid")), home_entry("Barn", meter("barn"))
    )
    await settle(hass, "grid", slots(T0, 24))
    await settle(hass, "barn", slots(T0, 24, 0.2))
    every = await ask(
        hass,
        "get_periods",
        home=["Barn", "Shed"],
        start="2026-11-18 10:00",
        end="2026-11-18 12:00",
    )
    documents = [one for home in every.values() for one in home["periods"]]
    wanted = [documents[3], documents[1], documents[2], documents[-1]]
    found = await ask(
        hass,
        "get_periods",
        id=[
            *[one["id"] for one in wanted],
            wanted[0]["id"],
            "cache_2026-11-18T11:45:00Z_PT15M_grid_energyAccumulation",
            "cache_2026-11-18T11:00:00Z_PT30M_barn_energyAccumulation",
        ],
    )
    assert list(found) == ["Barn", "Shed"]
    barn = found["Barn"]["periods"]
    assert barn[:3] == documents[1:4]
    assert barn[3]["periodDurationMillis"] == 1_800_000
    assert barn[3]["nodes"][0]["data"]["generationKWH"] == 1.2
    assert found["Shed"]["periods"] == documents[-1:]
    assert (await ask(hass, "get_periods", id=documents[0]["id"], format="csv"))[
        "csv"
    ].count("\n") == 2


NO_QUESTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, "Say a start and an end"),
    ({"start": "2026-11-18 10:00"}, "Say a start and an end"),
    (
        {"start": "2026-11-18 10:00", "end": "2026-11-18 10:00"},
        r"start 2026-11-18T10:00:00\+00:00 is not before the end",
    ),
    (
        {"start": "2026-11-18 10:00", "end": "2026-11-18 11:00", "period": 20},
        r"no periods of “20”\. Choices, in minutes: 5, 15, 30, 60",
    ),
    (
        {"start": "2026-11-18 10:00", "end": "2026-11-18 11:00", "period": "PT2H"},
        "Choices, in minutes: 5, 15, 30, 60",
    ),
    (
        {"start": "2026-10-18 10:00", "end": "2026-11-18 11:00"},
        "too long for one answer.* 5 min: 10 d, 15 min: 31 d, 30 min: 62 d, 60 min",
    ),
    (
        {"start": "0001-01-01 00:00", "end": "9999-12-31 23:59"},
        "too long for one answer",
    ),
    (
        {"start": "2026-11-18 10:00", "end": "2026-11-18 11:00", "format": "xml"},
        "no format “xml”. Choices: json, csv",
    ),
    (
        {"start": "2026-11-18 10:00", "end": "2026-11-18 11:00", "home": "Attic"},
        "no home “Attic”. Homes: Shed",
    ),
    (
        {"id": "cache_2026-11-18T10:01:00Z_PT15M_grid_energyAccumulation"},
        (
            "not the ID of a period.* PT5M, PT15M, PT30M, PT1H; .* like "
            "cache_2026-11-18T11:30:00Z_PT15M_grid_energyAccumulation"
        ),
    ),
    (
        {"id": "cache_2026-11-18T10:00:00Z_PT15M_attic_energyAccumulation"},
        r"No home has a source “attic”\. Sources: grid \(Shed Electricity meter\)",
    ),
    (
        {
            "id": "cache_2026-11-18T10:00:00Z_PT15M_grid_energyAccumulation",
            "start": "2026-11-18 10:00",
        },
        "give nothing else with them",
    ),
    (
        {
            "id": [
                f"cache_2026-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z_PT5M_grid"
                "_energyAccumulation"
                for month in (9, 10)
                for day in range(1, 8)
                for hour in range(24)
                for minute in range(0, 60, 5)
            ]
        },
        "at most 2976",
    ),
]


async def test_questions_that_make_no_sense(
    recorder_mock: Recorder, hass: HomeAssistant, subtests: pytest.Subtests
) -> None:
    """What is wrong is said with the choices there are."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    for data, text in NO_QUESTIONS:
        with subtests.test(text), pytest.raises(ServiceValidationError, match=text):
            await ask(hass, "get_periods", **data)


async def test_what_is_no_time_is_refused(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """Home Assistant's own fields check themselves."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    with pytest.raises(vol.Invalid):
        await ask(hass, "get_periods", start="yesterday", end="today")


async def test_ledger_that_fails_is_said(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A ledger that cannot be read is an error that says why."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    await hass.data[DATA_LEDGER].async_close()
    for action, data in (
        ("get_periods", {"start": "2026-11-18 10:00", "end": "2026-11-18 11:00"}),
        ("get_statement", {"month": "2026-11"}),
    ):
        with pytest.raises(
            HomeAssistantError, match=r"history file cannot be used .* not open"
        ):
            await ask(hass, action, **data)


async def test_statement_of_a_home(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """First and last reading, what was used between them, and how much of it is known."""
    freezer.move_to(LAST_SUMMER)
    await set_up(
        hass,
        home_entry(
            "Shed",
            meter("grid"),
            meter("sun", name="Solar", role=MeterRole.GENERATION),
            meter("oven", name="Oven", role=MeterRole.SUBMETER),
        ),
    )
    freezer.move_to(NOON)
    begin = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
    await settle(
        hass,
        "grid",
        slots(begin, 12, 1, returned=0.5),
        slots(begin + 12 * SLOT, 5, 2, returned=0.25),
        slots(begin + 17 * SLOT, 2, None),
        slots(begin + 19 * SLOT, 1, 3, provenance=Provenance.VENDOR),
    )
    await settle(hass, "sun", slots(begin + 12 * SLOT, 4), role=MeterRole.GENERATION)
    await settle(hass, "oven", slots(begin, 12), role=MeterRole.SUBMETER)

    share = {"measured": 62.5, "vendor": 12.5, "interpolated": 0.0, "unknown": 25.0}
    grid = {
        "begin": "2026-11-01T00:00:00+00:00",
        "end": "2026-11-01T00:40:00+00:00",
        "first_reading": 12.0,
        "last_reading": 25.0,
        "energy": 13.0,
        "share": share,
    }
    solar = {
        "source": "sun",
        "name": "Solar",
        "role": "generation",
        "begin": "2026-11-01T00:00:00+00:00",
        "end": "2026-11-01T00:20:00+00:00",
        "first_reading": 0.0,
        "last_reading": 0.4,
        "energy": 0.4,
        "share": {**dict.fromkeys(share, 0.0), "measured": 100.0},
    }
    assert await ask(hass, "get_statement", month="2026-11") == {
        "Shed": {
            "month": "2026-11",
            "time_zone": "Europe/London",
            "complete": False,
            **grid,
            "generation": 0.4,
            "returned": 1.25,
            "meters": [
                {"source": "grid", "name": "Electricity meter", "role": "grid", **grid},
                solar,
            ],
        }
    }


async def test_statement_of_a_month_that_was_imported(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """Before a meter was added there is energy, but nothing that it showed."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    added = datetime(2026, 11, 18, 12, 5, tzinfo=UTC)
    await settle(hass, "grid", slots(added - 12 * SLOT, 12, 0.5), slots(added, 2, 1))
    october = datetime(2026, 10, 1, tzinfo=UTC)
    await settle(hass, "grid", slots(october, 2, 3))

    answer = (await ask(hass, "get_statement", month="2026-10"))["Shed"]
    assert answer["first_reading"] is answer["last_reading"] is None
    assert answer["energy"] == 6
    answer = (await ask(hass, "get_statement", month="2026-11"))["Shed"]
    assert answer["first_reading"] is None
    assert answer["last_reading"] == 2
    assert answer["energy"] == 8


async def test_statements_of_many_homes(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Months are those of each home's own zone; without names all homes are answered."""
    freezer.move_to(LAST_SUMMER)
    berlin = MockConfigEntry(
        domain=DOMAIN,
        title="Flat",
        unique_id="home-flat",
        data={**home_entry("Flat").data, CONF_TIME_ZONE: "Europe/Berlin"},
        subentries_data=[meter("flat")],
    )
    await set_up(
        hass, home_entry("Shed", meter("grid")), berlin, home_entry("Barn", meter("x"))
    )
    freezer.move_to(NOON)
    begin = datetime(2026, 9, 30, 21, 0, tzinfo=UTC)
    hours = (datetime(2026, 11, 1, 1, tzinfo=UTC) - begin) // timedelta(hours=1)
    for source_id in ("grid", "flat"):
        await settle(hass, source_id, slots(begin, 12 * hours, 0.25))

    answer = await ask(hass, "get_statement", month="2026-10")
    assert list(answer) == ["Barn", "Flat", "Shed"]
    assert answer["Flat"]["begin"] == "2026-10-01T00:00:00+02:00"
    assert answer["Flat"]["end"] == "2026-11-01T00:00:00+01:00"
    # The clocks went back: an hour more than thirty-one days.
    assert answer["Flat"]["energy"] == answer["Shed"]["energy"] == 745 * 12 * 0.25
    assert answer["Flat"]["first_reading"] == 3.0
    assert answer["Shed"]["first_reading"] == 6.0
    assert answer["Flat"]["complete"] is answer["Shed"]["complete"] is True
    assert answer["Barn"]["energy"] is answer["Barn"]["share"] is None
    assert answer["Barn"]["complete"] is False

    answer = await ask(
        hass, "get_statement", month=" 2026-10 ", homes=["flat", "BARN"], format="csv"
    )
    assert answer["csv"] == (
        "home,month,time_zone,complete,begin,end,first_reading_kwh,last_reading_kwh,"
        "energy_kwh,measured_percent,vendor_percent,interpolated_percent,"
        "unknown_percent,generation_kwh,returned_kwh\n"
        "Flat,2026-10,Europe/Berlin,yes,2026-10-01T00:00:00+02:00,"
        "2026-11-01T00:00:00+01:00,3.0,2238.0,2235.0,100.0,0.0,0.0,0.0,,0.0\n"
        "Barn,2026-10,Europe/London,no,,,,,,,,,,,\n"
    )


NO_STATEMENTS: list[tuple[dict[str, Any], str]] = [
    ({"month": "2026-13"}, r"“2026-13” is not a month\. Say it like 2026-11"),
    ({"month": "November"}, "is not a month"),
    ({"month": "0000-01"}, "is not a month"),
    (
        {"month": "2026-12"},
        r"2026-12 has not begun in “Shed”\. The newest is 2026-11",
    ),
    ({"month": "9999-12"}, "has not begun"),
    ({"month": "2026-11", "homes": "Attic"}, "no home “Attic”. Homes: Shed"),
    ({"month": "2026-11", "format": "pdf"}, "Choices: json, csv"),
]


async def test_statements_that_make_no_sense(
    recorder_mock: Recorder, hass: HomeAssistant, subtests: pytest.Subtests
) -> None:
    """What is wrong is said with the choices there are."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    for data, text in NO_STATEMENTS:
        with subtests.test(text), pytest.raises(ServiceValidationError, match=text):
            await ask(hass, "get_statement", **data)


async def test_month_of_long_ago_has_nothing(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A month before the home was there is answered with nothing, not with zero."""
    await set_up(hass, home_entry("Shed", meter("grid")))
    for month in ("0001-01", "2025-12"):
        answer = await ask(hass, "get_statement", month=month)
        assert answer["Shed"]["energy"] is None
        assert answer["Shed"]["meters"] == []
