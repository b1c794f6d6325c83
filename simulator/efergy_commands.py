"""What each of Efergy's commands answers, in the recorded shapes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from simulator.home import kwh
from simulator.meter import Meter, Role
from simulator.world import Account

CID = {Role.GRID: "PWER", Role.GENERATION: "PWER_GAC"}
UNITS = {Role.GRID: "kWm", Role.GENERATION: None}
GHOST_SID = "0"
GHOST_WATTS = 1808
PRICE = 0.3
MONTHLY_BUDGET = 250.0
MINUTE_MS = 60_000
MILLIWATT_SECONDS_PER_WATT_MINUTE = 60_000
MOST_BUCKETS = 100_000

type Body = dict[str, Any] | list[Any]


class BadParameterError(Exception):
    """A parameter the vendor refuses; the text is what it says."""


@dataclass(frozen=True)
class Call:
    """One call: whose, when, and with what parameters."""

    account: Account
    now_ms: int
    query: Mapping[str, str]

    @property
    def offset_ms(self) -> int:
        """Return what to take from UTC to get the caller's wall time."""
        return self.whole("offset", 0) * MINUTE_MS

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number parameter."""
        text = self.query.get(name)
        if text is None and default is not None:
            return default
        try:
            return int(text or "")
        except ValueError:
            raise BadParameterError(
                f"Bad formatting for : {name} (not a number)"
            ) from None

    def household(self) -> list[Meter]:
        """Return the account's consumption meters, removed ones too."""
        return [meter for meter in self.account.meters if meter.role is Role.GRID]

    def chosen(self, role: Role | None) -> list[Meter]:
        """Return the meters of `sid`, else those of a role, else the household's."""
        sid = self.query.get("sid")
        if sid is None and role is None:
            return self.household()
        return [
            meter
            for meter in self.account.meters
            if sid in {None, meter.sid} and role in {None, meter.role}
        ]

    def wall(self, at_ms: int) -> datetime:
        """Return the caller's wall time, marked as UTC for counting."""
        return datetime.fromtimestamp((at_ms - self.offset_ms) / 1000, UTC)

    def instant(self, wall: datetime) -> int:
        """Return the instant of the caller's wall time in milliseconds."""
        return round(wall.timestamp() * 1000) + self.offset_ms


def current_values(call: Call) -> Body:
    """Return the newest reading of each meter, and a ghost."""
    reply: list[dict[str, Any]] = []
    for meter in call.account.listed(call.now_ms):
        newest = meter.newest(call.now_ms)
        data = [] if newest is None else [{str(newest.stamp_ms): newest.watts}]
        age_ms = 0 if newest is None else call.now_ms - newest.stamp_ms
        reply.append(
            {
                "cid": CID[meter.role],
                "data": data,
                "sid": meter.sid,
                "units": UNITS[meter.role],
                "age": age_ms // 1000,
            }
        )
    if not reply:
        return []
    ghost = {
        "cid": "PWER",
        "data": [{str(call.account.ghost_ms): GHOST_WATTS}],
        "sid": GHOST_SID,
        "units": "kWm",
        "age": (call.now_ms - call.account.ghost_ms) // 1000,
    }
    return [*reply[:1], ghost, *reply[1:]]


def instant(call: Call) -> Body | None:
    """Return the newest reading of the household's first grid meter."""
    meters = [m for m in call.account.listed(call.now_ms) if m.role is Role.GRID]
    newest = meters[0].newest(call.now_ms) if meters else None
    if newest is None:
        return None
    return {
        "age": (call.now_ms - newest.stamp_ms) // 1000,
        "last_reading_time": newest.stamp_ms,
        "reading": newest.watts,
    }


def energy(call: Call) -> Body:
    """Return the household's kWh of a period."""
    used, duration = _used(call)
    return {"sum": f"{used:.2f}", "duration": duration, "units": "kWh"}


def cost(call: Call) -> Body:
    """Return what the household's energy of a period cost."""
    used, duration = _used(call)
    return {"sum": f"{used * PRICE:.2f}", "duration": duration, "units": "GBP"}


def budget(_call: Call) -> Body:
    """Return the monthly budget."""
    return {"status": "ok", "monthly_budget": MONTHLY_BUDGET}


def historical_values(call: Call) -> Body:
    """Return buckets per meter: watt-minutes, or their mean with `aggFunc=avg`."""
    begin_ms, end_ms = _period(call)
    role = None
    if (cid := call.query.get("type")) is not None:
        role = next((role for role, name in CID.items() if name == cid), None)
        if role is None:
            raise BadParameterError("Bad formatting for : type (not a valid type)")
    edges = _edges(call, begin_ms, end_ms, call.query.get("aggPeriod", "minute"))
    mean = call.query.get("aggFunc", "sum") == "avg"
    data = []
    for meter in call.chosen(role):
        points = []
        for begin, end in pairwise(edges):
            known = meter.known_energy(begin, min(end, call.now_ms))
            minutes = (min(end, call.now_ms) - begin) / MINUTE_MS if mean else 1
            text = (
                "undef"
                if known is None
                else f"{known / MILLIWATT_SECONDS_PER_WATT_MINUTE / minutes:.2f}"
            )
            points.append({str(begin): text})
        data.append({"data": points, "sid": meter.sid, "units": "Wm"})
    return {"status": "ok", "data": data}


def time_series(call: Call) -> Body:
    """Return kWh in buckets, each under its own beginning."""
    begin_ms, end_ms = _custom(call)
    edges = _edges(call, begin_ms, end_ms, call.query.get("aggPeriod", "day"))
    values = _series(call, edges, digits=4)
    data = {str(edge): [value] for edge, value in zip(edges[:-1], values, strict=True)}
    return {"status": "ok", "data": data}


def day(call: Call) -> Body:
    """Return the mean kW of each minute of the last 24 hours."""
    end_ms = call.now_ms // MINUTE_MS * MINUTE_MS
    edges = list(range(end_ms - 1440 * MINUTE_MS, end_ms + 1, MINUTE_MS))
    return _one_list(edges, _series(call, edges, digits=2, per_hour=60))


def week(call: Call) -> Body:
    """Return the kWh of each hour of the last seven days."""
    hour_ms = 60 * MINUTE_MS
    end_ms = call.now_ms // hour_ms * hour_ms
    edges = list(range(end_ms - 168 * hour_ms, end_ms + 1, hour_ms))
    return _one_list(edges, _series(call, edges, digits=2))


def month(call: Call) -> Body:
    """Return the kWh of each of the last 28 days."""
    today = _midnight(call.wall(call.now_ms))
    edges = [call.instant(today - timedelta(days=days)) for days in range(28, -1, -1)]
    return _one_list(edges, _series(call, edges, digits=2))


def year(call: Call) -> Body:
    """Return the kWh of each of the last twelve months."""
    first = _midnight(call.wall(call.now_ms)).replace(day=1)
    months = [first.year * 12 + first.month - 1 - back for back in range(12, -1, -1)]
    edges = [
        call.instant(first.replace(year=number // 12, month=number % 12 + 1))
        for number in months
    ]
    return _one_list(edges, _series(call, edges, digits=2))


def first_data(call: Call) -> Body:
    """Return when the household's data begins, in seconds."""
    begins = [meter.since_ms for meter in call.account.meters]
    begin_ms = min(begins, default=call.account.origin_ms)
    return {"status": "ok", "firstData": str(begin_ms // 1000)}


def pulse(call: Call) -> Body:
    """Return the pulses per kWh of a meter."""
    if call.account.find(call.query.get("sid", "")) is None:
        raise BadParameterError("Bad formatting for : sid (not a valid sid)")
    return {"status": "ok", "pulses": 1000}


def forecast(call: Call) -> Body:
    """Return an estimate of the day's kWh."""
    return {"day_kwh": {"estimate": _estimates(call)[0]}}


def estimated_combined(call: Call) -> Body:
    """Return estimates of the day and the month."""
    day_kwh, month_kwh, so_far = _estimates(call)
    return {
        "day_kwh": {"estimate": day_kwh},
        "day_tariff": {"estimate": round(day_kwh * PRICE, 2)},
        "day_co2": {"estimate": day_kwh},
        "month_kwh": {"previousSum": so_far},
        "month_tariff": {
            "estimate": round(month_kwh * PRICE, 2),
            "previousSum": round(so_far * PRICE, 2),
        },
        "month_co2": {"previousSum": so_far},
        "month_budget": 500,
    }


def household(_call: Call) -> Body:
    """Return the household's questionnaire."""
    return {
        "ageOfProperty": "3",
        "typeOfProperty": "8",
        "numOfBedrooms": "15",
        "numOfAdults": "20",
        "numOfChildren": "26",
        "typeOfHeating": "30",
        "typeOfHotWater": "34",
        "typeOfCooker": "41",
    }


def tariff(call: Call) -> Body:
    """Return the tariff of each grid meter."""
    billing = {
        "cycleLength": 1,
        "cycleUnits": "month",
        "starts": "2011-01-01 00:00:00",
        "timezoneBill": 0,
        "timezoneReadings": 0,
    }
    detail = {"planDetail": [{"rate": round(PRICE * 100)}]}
    plan = {"id": -1, "name": "Flat", "plan": [detail], "utility": "UNKNOWN"}
    return [
        {
            "channel": CID[Role.GRID],
            "fromCanned": 0,
            "hid": call.account.hid,
            "id": 0,
            "sid": meter.sid,
            "tariff": {"billing": billing, "name": "generated", "plan": [plan]},
        }
        for meter in call.household()
    ]


def status(call: Call) -> Body:
    """Return the household's id and its hub."""
    return {"hid": call.account.hid, "listOfMacs": [_hub(call)]}


def macs(call: Call) -> Body:
    """Return the household's hub."""
    return {"listOfMacs": [_hub(call)]}


def channel_aggregated(_call: Call) -> Body:
    """Return the nothing that the vendor answers here."""
    channel = {
        "channel_name": "unknown",
        "channel_units": "unknown",
        "cid": '"none"',
        "data": [{"3155760000000": "undef"}],
    }
    return {"status": "ok", "data": [channel]}


def _hub(call: Call) -> dict[str, Any]:
    """Return the hub with a channel for each transmitter."""
    mac = call.account.hid[:12]
    heard: list[int] = []
    channels: list[dict[str, Any]] = []
    for meter in call.account.listed(call.now_ms):
        newest = meter.newest(call.now_ms)
        stamp_s = (meter.since_ms if newest is None else newest.stamp_ms) // 1000
        heard.append(stamp_s)
        kind = {"battery": 5, "falseBattery": 0, "id": None, "name": "EFCT"}
        channel = {"assoc": 1, "cid": f"cid.{mac}", "reading": None}
        channels.append({**channel, **_heard(call, stamp_s), "type": kind})
    return {
        "listofchannels": channels,
        "mac": mac,
        "personality": "E1",
        "status": "on",
        **_heard(call, max(heard, default=call.now_ms // 1000)),
        "type": "EEEHub",
        "version": "2.3.7",
    }


def _heard(call: Call, stamp_s: int) -> dict[str, Any]:
    """Return when a thing was heard, in the vendor's three ways."""
    moment = datetime.fromtimestamp(stamp_s, UTC)
    return {
        "ts": stamp_s,
        "tsDelta": call.now_ms // 1000 - stamp_s,
        "tsHuman": f"{moment:%a %b} {moment.day} {moment:%H:%M:%S %Y}",
    }


def _used(call: Call) -> tuple[float, int]:
    """Return the household's kWh of the asked period, and its seconds."""
    begin_ms, end_ms = _period(call)
    used = _kwh(call, call.household(), begin_ms, end_ms) or 0.0
    return used, (end_ms - begin_ms) // 1000


def _kwh(call: Call, meters: list[Meter], begin_ms: int, end_ms: int) -> float | None:
    """Return what meters counted by now, None where none of them did."""
    parts = [meter.known_energy(begin_ms, min(end_ms, call.now_ms)) for meter in meters]
    known = [part for part in parts if part is not None]
    return kwh(sum(known)) if known else None


def _series(
    call: Call, edges: list[int], digits: int, per_hour: int = 1
) -> list[float | str]:
    """Return kWh (or kW) between edges, "undef" where unknown."""
    meters = call.chosen(None)
    values: list[float | str] = []
    for begin, end in pairwise(edges):
        used = _kwh(call, meters, begin, end)
        values.append("undef" if used is None else round(used * per_hour, digits))
    return values


def _one_list(edges: list[int], values: list[float | str]) -> Body:
    """Return a series under its first bucket's beginning."""
    return {"status": "ok", "data": {str(edges[0]): values}}


def _period(call: Call) -> tuple[int, int]:
    """Return the instants of the asked period, up to now."""
    today = _midnight(call.wall(call.now_ms))
    match call.query.get("period", "custom"):
        case "day":
            begin = today
        case "week":
            begin = today - timedelta(days=today.weekday())
        case "month":
            begin = today - timedelta(days=27)
        case "year":
            begin = today.replace(month=1, day=1)
        case "custom":
            return _custom(call)
        case _:
            raise BadParameterError("Bad formatting for : period (not a valid period)")
    return call.instant(begin), call.now_ms


def _custom(call: Call) -> tuple[int, int]:
    """Return the instants of fromTime and toTime, which are seconds."""
    begin_s, end_s = call.whole("fromTime"), call.whole("toTime")
    if begin_s >= end_s:
        raise BadParameterError("Bad formatting for : toTime (not after fromTime)")
    return begin_s * 1000, end_s * 1000


def _edges(call: Call, begin_ms: int, end_ms: int, size: str) -> list[int]:
    """Return the beginnings of the buckets that touch a window, and the end."""
    end_ms = min(end_ms, call.now_ms)
    wall = call.wall(begin_ms)
    match size:
        case "minute":
            step, first = timedelta(minutes=1), wall.replace(second=0, microsecond=0)
        case "hour":
            step = timedelta(hours=1)
            first = wall.replace(minute=0, second=0, microsecond=0)
        case "day":
            step, first = timedelta(days=1), _midnight(wall)
        case "week":
            step = timedelta(days=7)
            first = _midnight(wall) - timedelta(days=(wall.weekday() + 1) % 7)
        case _:
            raise BadParameterError(
                "Bad formatting for : aggPeriod (not a valid aggPeriod)"
            )
    step_ms = round(step.total_seconds() * 1000)
    first_ms = call.instant(first)
    count = max(-(-(end_ms - first_ms) // step_ms), 0)
    if count > MOST_BUCKETS:
        raise BadParameterError("Bad formatting for : fromTime (too many values)")
    return [first_ms + step_ms * number for number in range(count + 1)]


def _midnight(wall: datetime) -> datetime:
    """Return the beginning of a day."""
    return wall.replace(hour=0, minute=0, second=0, microsecond=0)


def _estimates(call: Call) -> tuple[float, float, float]:
    """Return kWh expected today and in 28 days, and kWh so far in 27 days."""
    now = call.now_ms
    meters = call.household()
    last_day = _kwh(call, meters, now - 1440 * MINUTE_MS, now) or 0.0
    begin_ms = call.instant(_midnight(call.wall(now)) - timedelta(days=27))
    so_far = _kwh(call, meters, begin_ms, now) or 0.0
    return round(last_day, 2), round(last_day * 28, 2), round(so_far, 2)


COMMANDS: dict[str, Callable[[Call], Body | None]] = {
    "getBudget": budget,
    "getChannelAggregated": channel_aggregated,
    "getCost": cost,
    "getCurrentValuesSummary": current_values,
    "getDay": day,
    "getEnergy": energy,
    "getEstCombined": estimated_combined,
    "getFirstData": first_data,
    "getForecast": forecast,
    "getHV": historical_values,
    "getHousehold": household,
    "getInstant": instant,
    "getMAC": macs,
    "getMonth": month,
    "getPulse": pulse,
    "getStatus": status,
    "getTariff": tariff,
    "getTimeSeries": time_series,
    "getWeek": week,
    "getYear": year,
}
