"""Netatmo's history: its forms, and that it is what was live."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from simulator.clock import Clock
from simulator.netatmo.settings import MINUTE_MS
from simulator.world import World
from tests.netatmo_control import NETATMO_USER
from tests.simulator.conftest import NOON
from tests.simulator.netatmo_kit import ELM, MILL, Answer, App
from tests.simulator_client import to_ms

NOW_S = int(NOON.timestamp())
TOP_S = NOW_S // 3600 * 3600
DAY_S = 86_400
WHOLE = {"optimize": "false", "real_time": "true"}


async def history(app: App, room: str = "Kitchen", **arguments: Any) -> Answer:
    """Ask for a room's history."""
    return await app.post(
        "getroommeasure",
        **{
            "home_id": app.control.home_id(ELM),
            "room_id": app.control.room_id(ELM, room),
            "scale": "30min",
            "type": "temperature",
        }
        | arguments,
    )


async def boiler(app: App, **arguments: Any) -> Any:
    """Ask for a thermostat's history."""
    answer = await app.post(
        "getmeasure",
        device_id=app.control.module_ids(ELM, "NAPlug")[0],
        module_id=app.control.module_ids(ELM, "NATherm1")[0],
        **WHOLE,
        **arguments,
    )
    assert answer.status == 200, answer
    return answer.json["body"]


async def test_map(app: App) -> None:
    """Not optimized: epoch seconds and values, the stamps amid their slots."""
    begin = TOP_S - 6 * 3600
    answer = await history(app, date_begin=begin, date_end=TOP_S, optimize="false")
    stamps = list(answer.json["body"])
    assert stamps == [str(begin + 900 + 1800 * n) for n in range(12)]
    real = await history(app, date_begin=begin, date_end=TOP_S, **WHOLE)
    assert list(real.json["body"]) == [str(begin + 1800 * n) for n in range(12)]
    assert list(real.json["body"].values()) == list(answer.json["body"].values())


async def test_segments(app: App) -> None:
    """Optimized, which is the default: runs of values."""
    begin = TOP_S - 3 * 3600
    answer = await history(app, date_begin=begin, date_end=TOP_S)
    assert answer.json["body"] == [
        {
            "beg_time": begin + 900,
            "step_time": 1800,
            "value": answer.json["body"][0]["value"],
        }
    ]
    assert len(answer.json["body"][0]["value"]) == 6


async def test_slots_begin_where_the_caller_begins(app: App) -> None:
    """An odd beginning gives odd slots, below a day."""
    begin = TOP_S - 7200 + 420
    answer = await history(app, scale="1hour", date_begin=begin, **WHOLE)
    assert list(answer.json["body"]) == [str(begin)]
    answer = await history(app, scale="1day", date_begin=NOW_S - 5 * DAY_S, **WHOLE)
    midnights = [datetime.fromtimestamp(int(s), UTC) for s in answer.json["body"]]
    assert len(midnights) == 5
    assert {(m.hour, m.minute) for m in midnights} == {(0, 0)}


async def test_days_of_the_clock_change(app: App) -> None:
    """Days are the home's: one of them has 25 hours."""
    begin = int(datetime(2026, 10, 23, 12, tzinfo=UTC).timestamp())
    answer = await history(app, scale="1day", date_begin=begin, limit=4, **WHOLE)
    stamps = [int(stamp) for stamp in answer.json["body"]]
    assert [int(step) // 3600 for step in np.diff(stamps)] == [24, 24, 25]


async def test_limits_of_an_answer(app: App) -> None:
    """At most 1024 values, nothing before the beginning, nothing to come."""
    answer = await history(app, date_begin=NOW_S - 59 * DAY_S, limit=5000, **WHOLE)
    assert len(answer.json["body"]) == 1024
    first = int(next(iter(answer.json["body"])))
    assert first == NOW_S - 59 * DAY_S
    early = await history(app, date_begin=NOW_S - 90 * DAY_S, scale="1day", **WHOLE)
    assert 60 <= len(early.json["body"]) <= 61
    late = await history(app, date_begin=TOP_S - 3600, **WHOLE)
    assert int(list(late.json["body"])[-1]) + 1800 <= NOW_S
    newest = await history(app, date_end="last", limit=3, **WHOLE)
    assert len(newest.json["body"]) >= 2


async def test_nothing(app: App) -> None:
    """No data is an empty list, whatever form was asked for."""
    for optimize in ("true", "false"):
        for begin in (NOW_S - 60, NOW_S + 3600):
            answer = await history(app, date_begin=begin, optimize=optimize)
            assert (answer.status, answer.json["body"]) == (200, [])


async def test_kinds_of_values(app: App) -> None:
    """Mean, least, most and setpoint stand beside each other."""
    names = "temperature,min_temp,max_temp,sp_temperature"
    begin = TOP_S - 7 * DAY_S
    answer = await history(app, type=names, scale="3hours", date_begin=begin, **WHOLE)
    values = list(answer.json["body"].values())
    assert len(values) >= 55
    for mean, least, most, _ in values:
        assert least <= mean <= most
    assert {row[3] for row in values} >= {16.0, 20.0}


async def test_history_is_what_was_live(app: App) -> None:
    """What homestatus said, the history says later, also after a command."""
    await app.set_room("Kitchen", temp=23)
    app.simulator.set(NOON.replace(second=0, minute=10))
    live = {}
    for _ in range(18):
        room = (await app.rooms())["Kitchen"]
        stamp_s = int(app.simulator.now.timestamp())
        live[stamp_s] = [
            room["therm_measured_temperature"],
            room["therm_setpoint_temperature"],
        ]
        app.simulator.step(timedelta(minutes=10))
    app.sign_in()
    answer = await history(
        app,
        scale="max",
        type="temperature,sp_temperature",
        date_begin=NOW_S,
        optimize="false",
    )
    past = {int(stamp): values for stamp, values in answer.json["body"].items()}
    assert past == live
    assert len({values[0] for values in live.values()}) > 5


async def test_past_before_the_start_leads_up_to_now(app: App) -> None:
    """The history until now ends in the value that is live."""
    answer = await history(app, scale="max", date_begin=NOW_S - 7200, **WHOLE)
    values = [row[0] for row in answer.json["body"].values()]
    live = (await app.rooms())["Kitchen"]["therm_measured_temperature"]
    assert values[-1] == pytest.approx(live, abs=0.6)
    assert np.abs(np.diff(values)).max() < 1


async def test_boiler_seconds(app: App) -> None:
    """On and off make whole slots; sums are the sums of the samples."""
    begin = TOP_S - DAY_S
    fine = await boiler(
        app, scale="max", type="boileron,boileroff", date_begin=begin, date_end=TOP_S
    )
    assert len(fine) == 144
    assert {on + off for on, off in fine.values()} == {600}
    hours = await boiler(
        app,
        scale="1hour",
        type="sum_boiler_on,sum_boiler_off",
        date_begin=begin,
        date_end=TOP_S,
    )
    assert {on + off for on, off in hours.values()} == {3600}
    assert sum(on for on, _ in hours.values()) == sum(on for on, _ in fine.values())
    assert 0 < sum(on for on, _ in hours.values()) < DAY_S


async def test_an_outage_is_a_gap(app: App) -> None:
    """While the gateway was off nothing was stored; runs end there."""
    app.control.home(ELM, "offline", at=NOON - timedelta(hours=6))
    app.control.home(ELM, "online", at=NOON - timedelta(hours=3))
    begin = TOP_S - 10 * 3600
    answer = await history(app, scale="1hour", date_begin=begin, date_end=TOP_S)
    runs = answer.json["body"]
    assert len(runs) == 2
    assert sum(len(run["value"]) for run in runs) < 9
    assert (await app.rooms())["Kitchen"]["reachable"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"scale": "5min"}, (400, 21, "Invalid scale")),
        ({"scale": ""}, (400, 10, "Missing scale")),
        ({"type": "noise"}, (400, 21, "Invalid type")),
        ({"room_id": "1"}, (400, 21, "Invalid room_id")),
        ({"date_begin": "soon"}, (400, 21, "Invalid date_begin")),
    ],
)
async def test_refused_questions(
    app: App, arguments: dict[str, str], error: tuple[int, int, str]
) -> None:
    """What there is no history of."""
    assert (await history(app, **arguments)).error == error


async def test_unknown_devices(app: App) -> None:
    """A relay that is not there, a module that is not behind it, a valve."""
    relay = app.control.module_ids(ELM, "NAPlug")[0]
    foreign = app.control.module_ids(MILL, "NATherm1")[0]
    valve = app.control.module_ids(ELM, "NRV")[0]
    kinds = {"scale": "1day", "type": "temperature"}
    for device, module in (("70:ee:50:00:00:00", ""), (relay, foreign)):
        answer = await app.post(
            "getmeasure", device_id=device, module_id=module, **kinds
        )
        assert answer.error == (404, 9, "Device not found")
    answer = await app.post("getmeasure", device_id=relay, module_id=valve, **kinds)
    assert answer.json["body"] == []


def make_world(now: datetime = NOON, seed: int = 1) -> World:
    """Return a world that stands still."""
    return World(seed, Clock(to_ms(now)))


def truths(world: World) -> dict[str, Any]:
    """Return what is true in the first home."""
    return world.netatmo.users[NETATMO_USER].homes[0].truth(world.clock.now_ms)


def test_worlds_of_a_seed_are_the_same() -> None:
    """Whenever a world begins and however it gets there, an instant is the same."""
    early = make_world(NOON - timedelta(days=3))
    truths(early)
    for _ in range(3 * 24):
        early.clock.step(3_600_000)
        last = truths(early)
    assert last == truths(make_world())
    assert truths(make_world(seed=2)) != last


def test_a_command_parts_from_the_shared_past() -> None:
    """Neither the next world nor the same world after a reset knows of it."""
    world = make_world()
    calm = truths(world)
    kitchen = world.netatmo.users[NETATMO_USER].homes[0].rooms[1]
    kitchen.window.add(world.clock.now_ms - 600 * MINUTE_MS, 1.0)
    kitchen.disturb(world.clock.now_ms - 600 * MINUTE_MS)
    assert truths(world)["Kitchen"]["air"] < calm["Kitchen"]["air"] - 2
    assert truths(make_world()) == calm
    world.reset(to_ms(NOON))
    assert truths(world) == calm
