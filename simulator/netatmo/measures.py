"""`getroommeasure` and `getmeasure`: the history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from simulator.netatmo.call import Call, Json
from simulator.netatmo.errors import Code, VendorError, invalid
from simulator.netatmo.home import Home
from simulator.netatmo.room import Room
from simulator.netatmo.settings import MINUTE_MS
from simulator.noise import Floats, Ints

SAMPLE_S = 600
SCALES_S = {
    "max": SAMPLE_S,
    "30min": 1800,
    "1hour": 3600,
    "3hours": 10_800,
    "1day": 86_400,
    "1week": 604_800,
    "1month": 2_592_000,
}
MOST_POINTS = 1024
DAY_S = 86_400

type Reduce = Callable[[Floats], float]
type Point = list[float | int | None]


def _mean(values: Floats) -> float:
    """Return the mean as the vendor rounds it."""
    return round(float(values.mean()), 1)


def _least(values: Floats) -> float:
    """Return the smallest."""
    return float(values.min())


def _most(values: Floats) -> float:
    """Return the greatest."""
    return float(values.max())


def _sum(values: Floats) -> float:
    """Return the sum in whole seconds."""
    return round(float(values.sum()))


ROOM_TYPES: dict[str, tuple[str, Reduce]] = {
    "temperature": ("temperature", _mean),
    "min_temp": ("temperature", _least),
    "max_temp": ("temperature", _most),
    "sp_temperature": ("setpoint", _mean),
    "min_sp_temperature": ("setpoint", _least),
    "max_sp_temperature": ("setpoint", _most),
}
BOILER_TYPES: dict[str, tuple[str, Reduce]] = {
    "boileron": ("boiler_on", _sum),
    "boileroff": ("boiler_off", _sum),
    "sum_boiler_on": ("boiler_on", _sum),
    "sum_boiler_off": ("boiler_off", _sum),
}


@dataclass(frozen=True)
class Query:
    """What is asked for, and in which form."""

    scale_s: int
    types: Sequence[tuple[str, Reduce]]
    begins_s: Ints
    ends_s: Ints
    optimize: bool
    real_time: bool


def getroommeasure(call: Call) -> Json | list[Json]:
    """Return the history of a room."""
    home = call.home()
    room = call.room(home)
    return _answer(call, home, room, _query(call, home, ROOM_TYPES))


def getmeasure(call: Call) -> Json | list[Json]:
    """Return the history of a thermostat, or of a valve, behind its relay."""
    device_id = call.text("device_id")
    found = [
        (home, module)
        for home in call.user.homes
        for module in home.modules
        if module.id == device_id
    ]
    if not found:
        raise VendorError(Code.DEVICE_NOT_FOUND, "Device not found", 404)
    home, device = found[0]
    module = home.module(call.arguments.get("module_id") or device_id)
    if module is None or device.id not in {module.bridge, module.id}:
        raise VendorError(Code.DEVICE_NOT_FOUND, "Device not found", 404)
    query = _query(call, home, ROOM_TYPES | BOILER_TYPES)
    room = home.room(module.room_id or "")
    if room is None or not room.plan.thermostat or module.type == "NRV":
        return []
    return _answer(call, home, room, query)


def _query(call: Call, home: Home, known: dict[str, tuple[str, Reduce]]) -> Query:
    """Return what is asked for."""
    if (scale := call.text("scale")) not in SCALES_S:
        raise invalid("Invalid scale")
    scale_s = SCALES_S[scale]
    types = []
    for name in call.text("type").split(","):
        if (kind := known.get(name.strip())) is None:
            raise invalid("Invalid type")
        types.append(kind)
    limit = call.whole("limit", MOST_POINTS) or MOST_POINTS
    begins_s, ends_s = _slots(call, home, scale_s, min(max(limit, 1), MOST_POINTS))
    return Query(
        scale_s=scale_s,
        types=types,
        begins_s=begins_s,
        ends_s=ends_s,
        optimize=call.flag("optimize", default=True),
        # The finest scale has instants, not slots: nothing to shift.
        real_time=call.flag("real_time", default=False) or scale == "max",
    )


def _slots(call: Call, home: Home, scale_s: int, limit: int) -> tuple[Ints, Ints]:
    """Return begin and end of the slots that are over, the first `limit` of them.

    Slots shorter than a day begin where the caller begins, longer ones at
    midnight of the home's time.
    """
    now_s = call.now_ms // 1000
    since_s = home.since_ms // 1000
    end_s = now_s
    if call.arguments.get("date_end") not in {None, "", "last"}:
        end_s = min(call.whole("date_end") or now_s, now_s)
    begin_s = call.whole("date_begin")
    if begin_s is None:
        begin_s = max(end_s - limit * scale_s, since_s)
        begin_s = -(-begin_s // min(scale_s, DAY_S)) * min(scale_s, DAY_S)
    if begin_s > end_s and call.arguments.get("date_end") not in {None, "", "last"}:
        raise VendorError(Code.INVALID_ARGUMENT, "Invalid date_begin")
    if scale_s == SAMPLE_S:
        begin_s = -(-begin_s // SAMPLE_S) * SAMPLE_S
    if scale_s < DAY_S:
        count = min(max((end_s - begin_s) // scale_s, 0), limit)
        begins = begin_s + scale_s * np.arange(count, dtype=np.int64)
        return begins, begins + scale_s
    edges = _midnights(home, begin_s, end_s, scale_s // DAY_S, limit)
    return edges[:-1], edges[1:]


def _midnights(home: Home, begin_s: int, end_s: int, days: int, limit: int) -> Ints:
    """Return the home's midnights, every so many days."""
    zone = home.settings.zone
    day = datetime.fromtimestamp(begin_s, UTC).astimezone(zone).date()
    edges: list[int] = []
    while len(edges) <= limit:
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        edge = int(midnight.timestamp())
        if edge > end_s:
            break
        edges.append(edge)
        day += timedelta(days=days)
    return np.array(edges, dtype=np.int64)


def _answer(call: Call, home: Home, room: Room, query: Query) -> Json | list[Json]:
    """Return the values of the slots that have any."""
    points: list[tuple[int, Point]] = []
    if len(query.begins_s):
        end_s = min(int(query.ends_s[-1]), call.now_ms // 1000 - SAMPLE_S + 1)
        samples = _Samples(home, room, int(query.begins_s[0]), end_s)
        points = list(_points(samples, query))
    if not points:
        return []
    if not query.optimize:
        return {str(stamp_s): point for stamp_s, point in points}
    return _segments(points, query.scale_s)


def _points(samples: _Samples, query: Query) -> list[tuple[int, Point]]:
    """Return stamp and values of each slot that has samples."""
    shift_s = 0 if query.real_time else query.scale_s // 2
    firsts = np.searchsorted(samples.begins_s, query.begins_s)
    lasts = np.searchsorted(samples.begins_s, query.ends_s)
    columns = [(samples.values(name), reduce) for name, reduce in query.types]
    return [
        (
            int(begin_s) + shift_s,
            [reduce(values[first:last]) for values, reduce in columns],
        )
        for begin_s, first, last in zip(query.begins_s, firsts, lasts, strict=True)
        if first < last
    ]


def _segments(points: list[tuple[int, Point]], step_s: int) -> list[Json]:
    """Return points as runs without a gap."""
    segments: list[Json] = []
    due_s: int | None = None
    for stamp_s, point in points:
        if stamp_s != due_s:
            segments.append({"beg_time": stamp_s, "step_time": step_s, "value": []})
        segments[-1]["value"].append(point)
        due_s = stamp_s + step_s
    return segments


class _Samples:
    """What the cloud stored every ten minutes while the gateway was online."""

    def __init__(self, home: Home, room: Room, begin_s: int, end_s: int) -> None:
        """Choose the samples of [begin, end) that exist."""
        first_s = max(begin_s, home.since_ms // 1000)
        first = -(-first_s // SAMPLE_S)
        every = np.arange(first, max(-(-end_s // SAMPLE_S), first), dtype=np.int64)
        online = np.array(
            [home.online(int(sample) * SAMPLE_S * 1000) for sample in every], dtype=bool
        )
        self.begins_s = every[online] * SAMPLE_S
        self._home = home
        self._room = room

    def values(self, name: str) -> Floats:
        """Return one kind of value for each sample."""
        if not len(self.begins_s):
            return np.zeros(0)
        minutes = self.begins_s * 1000 // MINUTE_MS
        if name == "temperature":
            return self._room.measurements(minutes)
        if name == "setpoint":
            first = int(minutes[0])
            settings = self._room.settings
            targets = settings.targets(first, int(minutes[-1]) + 1)
            return np.asarray(settings.shown(targets)[minutes - first])
        on_s = self._boiler_on(minutes)
        return on_s if name == "boiler_on" else np.asarray(SAMPLE_S - on_s)

    def _boiler_on(self, minutes: Ints) -> Floats:
        """Return the seconds of boiler in the ten minutes from each minute on."""
        first, last = int(minutes[0]), int(minutes[-1]) + SAMPLE_S // 60
        runs = np.zeros(last - first, dtype=bool)
        for room in self._home.rooms:
            trace = room.trace(last)
            runs |= trace.heat(first, last) > 0
        total = np.concatenate(([0], np.cumsum(runs)))
        begin = minutes - first
        return np.asarray((total[begin + SAMPLE_S // 60] - total[begin]) * 60.0)
