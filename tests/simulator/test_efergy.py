"""Efergy's cloud answers in the recorded shapes, and agrees with the truth."""

from datetime import timedelta
import json
import re
from typing import Any

from aiohttp import ClientSession
import pytest

from simulator.home import kwh
from simulator.world import World
from tests.simulator.conftest import NOON
from tests.simulator_client import (
    ELM_TOKEN,
    MILL_TOKEN,
    TERRACE_TOKEN,
    SimulatorClient,
    to_ms,
)

ELM_GRID, ELM_SUN, MILL_GRID = "710001", "710002", "720001"
NOON_S = to_ms(NOON) // 1000
HOUR_S = 3600

STAMP_KEY = re.compile(r"\d{13}")
MAC = {
    "listofchannels": [
        {
            "assoc": int,
            "cid": str,
            "reading": None,
            "ts": int,
            "tsDelta": int,
            "tsHuman": str,
            "type": {"battery": int, "falseBattery": int, "id": None, "name": str},
        }
    ],
    "mac": str,
    "personality": str,
    "status": str,
    "ts": int,
    "tsDelta": int,
    "tsHuman": str,
    "type": str,
    "version": str,
}
SERIES = {"status": str, "data": {"<ms>": [float]}}
SHAPES: dict[str, Any] = {
    "getBudget": {"status": str, "monthly_budget": float},
    "getChannelAggregated": {
        "status": str,
        "data": [
            {
                "channel_name": str,
                "channel_units": str,
                "cid": str,
                "data": [{"<ms>": str}],
            }
        ],
    },
    "getCost": {"sum": str, "duration": int, "units": str},
    "getDay": SERIES,
    "getEnergy": {"sum": str, "duration": int, "units": str},
    "getEstCombined": {
        "day_kwh": {"estimate": float},
        "day_tariff": {"estimate": float},
        "day_co2": {"estimate": float},
        "month_kwh": {"previousSum": float},
        "month_tariff": {"estimate": float, "previousSum": float},
        "month_co2": {"previousSum": float},
        "month_budget": int,
    },
    "getFirstData": {"status": str, "firstData": str},
    "getForecast": {"day_kwh": {"estimate": float}},
    "getHV": {
        "status": str,
        "data": [{"data": [{"<ms>": str}], "sid": str, "units": str}],
    },
    "getHousehold": dict.fromkeys(
        (
            "ageOfProperty",
            "typeOfProperty",
            "numOfBedrooms",
            "numOfAdults",
            "numOfChildren",
            "typeOfHeating",
            "typeOfHotWater",
            "typeOfCooker",
        ),
        str,
    ),
    "getInstant": {"age": int, "last_reading_time": int, "reading": int},
    "getMAC": {"listOfMacs": [MAC]},
    "getMonth": SERIES,
    "getPulse": {"status": str, "pulses": int},
    "getStatus": {"hid": str, "listOfMacs": [MAC]},
    "getTariff": [
        {
            "channel": str,
            "fromCanned": int,
            "hid": str,
            "id": int,
            "sid": str,
            "tariff": {
                "billing": {
                    "cycleLength": int,
                    "cycleUnits": str,
                    "starts": str,
                    "timezoneBill": int,
                    "timezoneReadings": int,
                },
                "name": str,
                "plan": [
                    {
                        "id": int,
                        "name": str,
                        "plan": [{"planDetail": [{"rate": int}]}],
                        "utility": str,
                    }
                ],
            },
        }
    ],
    "getTimeSeries": SERIES,
    "getWeek": SERIES,
}
PARAMETERS: dict[str, dict[str, object]] = {
    "getEnergy": {"period": "day"},
    "getCost": {"period": "day"},
    "getHV": {"fromTime": NOON_S - HOUR_S, "toTime": NOON_S, "aggPeriod": "minute"},
    "getPulse": {"sid": MILL_GRID},
    "getTimeSeries": {"fromTime": NOON_S - HOUR_S, "toTime": NOON_S},
}


def shape(value: Any) -> Any:
    """Return keys and types of a reply, one item for each list and series."""
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    if isinstance(value, dict):
        return {
            "<ms>" if STAMP_KEY.fullmatch(key) else key: shape(item)
            for key, item in value.items()
        }
    return None if value is None else type(value)


@pytest.mark.parametrize("command", SHAPES)
def test_shape(noon: SimulatorClient, command: str) -> None:
    """Each command answers with the recorded keys and types."""
    reply = noon.efergy(command, MILL_TOKEN, **PARAMETERS.get(command, {}))
    assert shape(reply) == SHAPES[command]


async def test_bytes(noon: SimulatorClient, session: ClientSession) -> None:
    """JSON comes as text/html, and a query with all parameters is understood."""
    url = f"{noon.url}/mobile_proxy/getInstant?token={ELM_TOKEN}&offset=-60"
    async with session.get(url) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert json.loads(await response.read())["age"] >= 0


def test_summary(noon: SimulatorClient) -> None:
    """The summary has both meters and the ghost, in the recorded ways."""
    grid, ghost, sun = noon.efergy("getCurrentValuesSummary", ELM_TOKEN)
    keys = {"cid", "data", "sid", "units", "age"}
    assert set(grid) == set(ghost) == set(sun) == keys
    assert [(e["cid"], e["sid"], e["units"]) for e in (grid, ghost, sun)] == [
        ("PWER", ELM_GRID, "kWm"),
        ("PWER", "0", "kWm"),
        ("PWER_GAC", ELM_SUN, None),
    ]
    assert ghost["age"] > 86_400
    for entry in (grid, ghost, sun):
        ((stamp, watts),) = entry["data"][0].items()
        assert STAMP_KEY.fullmatch(stamp)
        assert isinstance(watts, int)
        assert entry["age"] == (to_ms(NOON) - int(stamp)) // 1000


def test_live_calls_are_the_published_truth(noon: SimulatorClient) -> None:
    """What the live calls show over ten minutes is what the truth says was published."""
    seen: dict[str, set[tuple[int, int]]] = {ELM_GRID: set(), ELM_SUN: set()}
    instants = set()
    for _ in range(600):
        noon.step(timedelta(seconds=1))
        for entry in noon.efergy("getCurrentValuesSummary", ELM_TOKEN)[::2]:
            ((stamp, watts),) = entry["data"][0].items()
            seen[entry["sid"]].add((int(stamp), watts))
        reply = noon.efergy("getInstant", ELM_TOKEN)
        instants.add((reply["last_reading_time"], reply["reading"]))
    begin, end = NOON + timedelta(seconds=1), noon.now + timedelta(seconds=1)
    for sid, readings in seen.items():
        published = noon.published(sid, begin, end)
        assert sorted(readings)[-len(published) :] == published
        assert len(readings) - len(published) <= 1
    assert instants == seen[ELM_GRID]


def test_energy_of_the_household(noon: SimulatorClient) -> None:
    """A custom period's energy is the truth's, of the consumption meters."""
    begin = NOON - timedelta(days=10)
    reply = noon.efergy(
        "getEnergy",
        TERRACE_TOKEN,
        period="custom",
        fromTime=to_ms(begin) // 1000,
        toTime=NOON_S,
    )
    homes = noon.truth(begin, NOON)["homes"]
    true = homes["Terrace 1"]["energy_kwh"] + homes["Terrace 2"]["energy_kwh"]
    assert reply["units"] == "kWh"
    assert reply["duration"] == 10 * 86_400
    assert re.fullmatch(r"\d+\.\d\d", reply["sum"])
    assert float(reply["sum"]) == pytest.approx(true, abs=0.0051)


@pytest.mark.parametrize(
    ("period", "offset", "seconds"),
    [
        ("day", 0, 12 * HOUR_S + 10),
        ("day", -60, 13 * HOUR_S + 10),
        ("day", 300, 7 * HOUR_S + 10),
        ("day", -720, 10),
        ("week", 0, 60 * HOUR_S + 10),
        ("month", 0, (27 * 24 + 12) * HOUR_S + 10),
        ("year", 0, (321 * 24 + 12) * HOUR_S + 10),
    ],
)
def test_periods(
    noon: SimulatorClient, world: World, period: str, offset: int, seconds: int
) -> None:
    """Periods begin at the boundary that the reversed offset gives."""
    reply = noon.efergy("getEnergy", MILL_TOKEN, period=period, offset=offset)
    (meter,) = world.accounts[MILL_TOKEN].meters
    true = meter.known_energy(to_ms(NOON) - seconds * 1000, to_ms(NOON))
    assert true is not None
    assert reply["duration"] == seconds
    assert float(reply["sum"]) == pytest.approx(kwh(true), abs=0.0051)


def test_minutes_of_one_meter(noon: SimulatorClient) -> None:
    """History by sid is watt-minutes that add up to the truth."""
    begin = NOON.replace(hour=9, second=0)
    reply = noon.efergy(
        "getHV",
        ELM_TOKEN,
        sid=ELM_SUN,
        type="PWER_GAC",
        fromTime=to_ms(begin) // 1000,
        toTime=to_ms(begin) // 1000 + HOUR_S,
        aggPeriod="minute",
    )
    (series,) = reply["data"]
    values = {int(key): text for point in series["data"] for key, text in point.items()}
    assert (series["sid"], series["units"]) == (ELM_SUN, "Wm")
    assert list(values) == [to_ms(begin) + 60_000 * n for n in range(60)]
    truth = noon.truth(begin, begin + timedelta(hours=1))
    true = truth["homes"]["Elm Street"]["meters"][ELM_SUN]["energy_kwh"]
    assert sum(map(float, values.values())) / 60_000 == pytest.approx(true, abs=1e-5)


def test_mean_of_an_hour(noon: SimulatorClient) -> None:
    """With aggFunc=avg a bucket is the mean power."""
    window = {"fromTime": NOON_S - NOON_S % HOUR_S - HOUR_S, "toTime": NOON_S}
    parameters = {"sid": MILL_GRID, "aggPeriod": "hour", "aggFunc": "avg", **window}
    points = noon.efergy("getHV", MILL_TOKEN, **parameters)["data"][0]["data"]
    begin = NOON.replace(hour=11, second=0)
    truth = noon.truth(begin, begin + timedelta(hours=1))["homes"]["Mill Cottage"]
    assert float(points[0][str(to_ms(begin))]) == pytest.approx(
        truth["energy_kwh"] * 1000, abs=0.01
    )


def test_undef(noon: SimulatorClient) -> None:
    """There is nothing before sixty days, nor while a meter is silent."""
    early = NOON_S - 70 * 86_400 - 10
    window = {"fromTime": early, "toTime": early + 600, "aggPeriod": "minute"}
    points = noon.efergy("getHV", MILL_TOKEN, **window)["data"][0]["data"]
    assert {text for point in points for text in point.values()} == {"undef"}
    assert noon.efergy("getYear", MILL_TOKEN)["data"].popitem()[1][0] == "undef"
    series = noon.efergy("getTimeSeries", MILL_TOKEN, **window)["data"]
    assert list(series.values()) == [["undef"]] * 10

    noon.meter(MILL_TOKEN, MILL_GRID, "silence", at=NOON - timedelta(hours=2))
    window = {"fromTime": NOON_S - HOUR_S, "toTime": NOON_S, "aggPeriod": "minute"}
    points = noon.efergy("getHV", MILL_TOKEN, **window)["data"][0]["data"]
    assert {text for point in points for text in point.values()} == {"undef"}


def test_series_agree(noon: SimulatorClient) -> None:
    """Day, week and month series and the time series say the same energy."""
    midnight = NOON.replace(hour=0, second=0)
    truth = noon.truth(midnight - timedelta(days=1), midnight)
    true = truth["homes"]["Mill Cottage"]["energy_kwh"]
    (month,) = noon.efergy("getMonth", MILL_TOKEN)["data"].values()
    assert len(month) == 28
    assert month[-1] == pytest.approx(true, abs=0.0051)
    (week,) = noon.efergy("getWeek", MILL_TOKEN)["data"].values()
    assert len(week) == 168
    assert sum(week[-36:-12]) == pytest.approx(true, abs=0.12)
    series = noon.efergy(
        "getTimeSeries",
        MILL_TOKEN,
        fromTime=to_ms(midnight) // 1000 - 86_400,
        toTime=to_ms(midnight) // 1000,
        aggPeriod="hour",
    )["data"]
    assert sum(value for (value,) in series.values()) == pytest.approx(true, abs=0.002)
    (day,) = noon.efergy("getDay", MILL_TOKEN)["data"].values()
    assert len(day) == 1440
    last_day = noon.truth(NOON - timedelta(days=1, seconds=10), NOON)["homes"]
    assert sum(day) / 60 == pytest.approx(
        last_day["Mill Cottage"]["energy_kwh"], rel=0.02
    )


def test_status(noon: SimulatorClient) -> None:
    """The status has the household's id and a channel for each transmitter."""
    reply = noon.efergy("getStatus", ELM_TOKEN)
    accounts = noon.request("GET", "/_control/accounts")["accounts"]
    hids = {account["token"]: account["hid"] for account in accounts}
    assert reply["hid"] == hids[ELM_TOKEN]
    assert len(set(hids.values())) == 3
    assert len(reply["listOfMacs"][0]["listofchannels"]) == 2


def test_unknown_token_and_command(noon: SimulatorClient) -> None:
    """Errors come as good replies do, with what the vendor says."""
    assert noon.efergy("getInstant", "nobody") == {
        "status": "error",
        "description": "bad token",
    }
    assert noon.efergy("getCompDay", ELM_TOKEN) == {
        "status": "error",
        "desc": "Method call failed",
    }


@pytest.mark.parametrize(
    ("command", "parameters", "more"),
    [
        ("getEnergy", {"period": "fortnight"}, "period"),
        ("getEnergy", {"period": "custom"}, "fromTime"),
        ("getEnergy", {"period": "custom", "fromTime": 9, "toTime": 9}, "toTime"),
        ("getEnergy", {"period": "day", "offset": "west"}, "offset"),
        ("getHV", {"fromTime": 0, "toTime": NOON_S, "aggPeriod": "eon"}, "aggPeriod"),
        ("getHV", {"fromTime": 0, "toTime": NOON_S, "type": "GAS"}, "type"),
        ("getHV", {"fromTime": 0, "toTime": NOON_S}, "fromTime"),
        ("getPulse", {"sid": "1"}, "sid"),
    ],
)
def test_bad_parameter(
    noon: SimulatorClient, command: str, parameters: dict[str, object], more: str
) -> None:
    """A bad parameter is named."""
    error = noon.efergy(command, ELM_TOKEN, **parameters)["error"]
    assert error["id"] == 400
    assert f"Bad formatting for : {more} (" in error["more"]


def test_meters_come_and_go(noon: SimulatorClient) -> None:
    """Meters can be added and removed; without any the summary is empty."""
    noon.meter(MILL_TOKEN, "720009", "add", role="generation", seed=9)
    added = noon.efergy("getCurrentValuesSummary", MILL_TOKEN)[-1]
    assert (added["sid"], added["cid"], added["data"]) == ("720009", "PWER_GAC", [])
    noon.step(timedelta(seconds=35))
    assert noon.efergy("getCurrentValuesSummary", MILL_TOKEN)[-1]["data"]

    noon.meter(MILL_TOKEN, MILL_GRID, "remove")
    sids = [e["sid"] for e in noon.efergy("getCurrentValuesSummary", MILL_TOKEN)]
    assert MILL_GRID not in sids
    assert noon.efergy("getInstant", MILL_TOKEN)["desc"] == "Method call failed"
    noon.meter(MILL_TOKEN, "720009", "remove")
    assert noon.efergy("getCurrentValuesSummary", MILL_TOKEN) == []


def test_silence(noon: SimulatorClient) -> None:
    """A silent meter's age grows."""
    noon.meter(MILL_TOKEN, MILL_GRID, "silence")
    before = noon.efergy("getInstant", MILL_TOKEN)
    noon.step(timedelta(hours=1))
    after = noon.efergy("getInstant", MILL_TOKEN)
    assert after["age"] == before["age"] + HOUR_S
    assert after["last_reading_time"] == before["last_reading_time"]


def test_more_accounts(noon: SimulatorClient) -> None:
    """An account can be added, with a past like all others."""
    meters = [{"sid": "1", "role": "grid", "seed": 5, "home": "Annexe"}]
    noon.add_account("annexe-token", "a" * 32, meters)
    assert noon.efergy("getInstant", "annexe-token")["reading"] > 0
    assert len(noon.published("1", NOON - timedelta(hours=1), NOON)) > 110
    assert "Annexe" in noon.truth()["homes"]
