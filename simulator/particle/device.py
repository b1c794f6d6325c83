"""A board: what it measures, what it publishes and when, and whether it is online."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
import json
import math
from operator import attrgetter

from simulator.home import Signal
from simulator.loads import NOISE_FLOOR_W
from simulator.noise import mix_seed
from simulator.particle.plan import ASSUMED_VOLTS, DevicePlan, Quantity

BURST_MS = 20
"""Between two events of one sample."""
JITTER_PART = 40
"""A sample is late by less than this part of the period."""
OFFLINE_LATE_MS = 50_000
KEPT_ORDERS = 5_000
DAY_MS = 86_400_000
HASH_FACTOR = 2_654_435_761
FLICKER_W = 0.2
ODD_DATA = (
    None,
    "",
    "nan",
    "inf",
    "on",
    "12.5 W",
    '{"t":21.5}',
    "1e3",
    " 7.5 ",
    "0",
    "-3",
)
STATUS = "spark/status"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was published; `data` is what the cloud passes on."""

    at_ms: int
    name: str
    data: str | None
    coreid: str
    ttl: int = 60


class Device:
    """A board. What it publishes follows from its plan; what else happens is ordered."""

    def __init__(
        self, plan: DevicePlan, owner: str, signal: Signal, seed: int, since_ms: int
    ) -> None:
        """Make a board that publishes from an instant on."""
        self.plan = plan
        self.id = plan.id
        self.name = plan.name
        self.owner = owner
        self.signal = signal
        self.since_ms = since_ms
        self._seed = mix_seed(seed, plan.name)
        self._phase_ms = self._seed % plan.period_ms
        self._switched_ms = [since_ms]
        self._switched_on = [plan.online]
        self._ordered: deque[Event] = deque(maxlen=KEPT_ORDERS)
        self._told_offline: Event | None = None
        self._next: tuple[int, int | None] = (0, None)

    def online(self, at_ms: int) -> bool:
        """Tell whether the board is connected at an instant."""
        place = bisect_right(self._switched_ms, at_ms) - 1
        return place >= 0 and self._switched_on[place]

    def believed_online(self, now_ms: int) -> bool:
        """Tell what the cloud thinks: it notices late that a board has gone."""
        told = self._told_offline
        return self.online(now_ms) or (told is not None and now_ms < told.at_ms)

    def last_heard_ms(self, now_ms: int) -> int:
        """Return when the cloud last heard of the board."""
        if self.online(now_ms):
            return now_ms
        place = bisect_right(self._switched_ms, now_ms) - 1
        return self._switched_ms[max(place, 0)]

    def last_handshake_ms(self, now_ms: int) -> int:
        """Return when the board last came online, or when it was made."""
        for at_ms, on in zip(
            reversed(self._switched_ms), reversed(self._switched_on), strict=True
        ):
            if on and at_ms <= now_ms:
                return at_ms
        return self.since_ms

    def switch(
        self, on: bool, now_ms: int, late_ms: int | None = OFFLINE_LATE_MS
    ) -> None:
        """Let the board come or go now.

        The cloud tells `late_ms` later that it has gone, or right before it tells that it is
        back where that comes first; None for only then.
        """
        if on is self.online(now_ms):
            return
        self._next = (0, None)
        self._switched_ms.append(now_ms)
        self._switched_on.append(on)
        if on:
            told = self._told_offline
            if told is not None and told.at_ms > now_ms:
                self._forget(told)
                self._status("offline", now_ms + 1)
            self._told_offline = None
            self._status("online", now_ms + 2)
        else:
            at_ms = now_ms + (DAY_MS * 365 if late_ms is None else late_ms)
            self._told_offline = self._status("offline", at_ms)

    def publish(
        self,
        name: str,
        data: str | None,
        at_ms: int,
        coreid: str | None = None,
        ttl: int = 60,
    ) -> None:
        """Publish something beside what the board publishes by itself."""
        self._ordered.append(Event(at_ms, name, data, coreid or self.id, ttl))
        self._next = (0, None)

    def value(self, quantity: Quantity, at_ms: int) -> float:
        """Return what the board measures at an instant, in A, V, W, % or °C."""
        plan = self.plan
        match quantity:
            case Quantity.POWER:
                return self.value(Quantity.CURRENT, at_ms) * ASSUMED_VOLTS
            case Quantity.CURRENT:
                true = self.signal.watts(at_ms) / plan.volts / plan.power_factor
                return true + _noise_w(at_ms) / ASSUMED_VOLTS
            case Quantity.VOLTAGE:
                return ASSUMED_VOLTS
            case Quantity.CHARGE:
                day = (at_ms + self._seed) % DAY_MS / DAY_MS
                return 65 + 30 * math.sin(math.tau * day)
            case Quantity.BATTERY_VOLTS:
                return 11.6 + 0.013 * self.value(Quantity.CHARGE, at_ms)
            case Quantity.TEMPERATURE:
                day = (at_ms + self._seed) % DAY_MS / DAY_MS
                return 19 + 2 * math.sin(math.tau * day)
            case Quantity.ODD | Quantity.SWITCH:
                return float(at_ms // DAY_MS % 2)

    def variable(self, name: str, at_ms: int) -> float | str | bool:
        """Return what a variable is at an instant.

        Raises:
            KeyError: where there is no such variable.
        """
        quantity = self.plan.variables[name]
        value = self.value(quantity, at_ms)
        match quantity:
            case Quantity.ODD:
                return json.dumps({"value": value})
            case Quantity.SWITCH:
                return bool(value)
            case _:
                return round(value, 6)

    def variable_types(self) -> dict[str, str]:
        """Return the variables' types by their names."""
        types = {Quantity.ODD: "string", Quantity.SWITCH: "bool"}
        return {
            name: types.get(quantity, "double")
            for name, quantity in self.plan.variables.items()
        }

    def events(self, from_ms: int, to_ms: int) -> list[Event]:
        """Return what is published in [from_ms, to_ms), oldest first."""
        last_ms = BURST_MS * (len(self.plan.events) - 1)
        found = [
            event
            for number in self._numbers(from_ms, to_ms)
            if from_ms - last_ms <= self._stamp(number) < to_ms
            for event in self._sample(number)
            if from_ms <= event.at_ms < to_ms
        ]
        ordered = [e for e in self._ordered if from_ms <= e.at_ms < to_ms]
        if not ordered:
            return found
        return sorted(found + ordered, key=attrgetter("at_ms"))

    def next_ms(self, after_ms: int) -> int | None:
        """Return when something is next published, later than an instant."""
        since_ms, next_ms = self._next
        if next_ms is None or not since_ms <= after_ms < next_ms:
            next_ms = self._find_next_ms(after_ms)
            self._next = after_ms, next_ms
        return next_ms

    def _find_next_ms(self, after_ms: int) -> int | None:
        """Look for the next event, published by order or by itself."""
        nexts = [e.at_ms for e in self._ordered if e.at_ms > after_ms]
        if self.plan.events and self.online(after_ms):
            until_ms = after_ms + 2 * self.plan.period_ms
            for number in self._numbers(after_ms + 1, until_ms):
                at_ms = self._stamp(number)
                end_ms = at_ms + BURST_MS * (len(self.plan.events) - 1)
                if end_ms > after_ms:
                    late = -(-(after_ms + 1 - at_ms) // BURST_MS)
                    nexts.append(at_ms + BURST_MS * max(late, 0))
                    break
        return min(nexts, default=None)

    def _numbers(self, from_ms: int, to_ms: int) -> range:
        """Return the samples of which something may be published in a time."""
        period_ms = self.plan.period_ms
        longest_ms = period_ms // JITTER_PART + BURST_MS * len(self.plan.events)
        first = (from_ms - self._phase_ms - longest_ms) // period_ms
        return range(first, (to_ms - self._phase_ms) // period_ms + 1)

    def _stamp(self, number: int) -> int:
        """Return when a sample is taken."""
        period_ms = self.plan.period_ms
        spread = max(period_ms // JITTER_PART, 1)
        jitter = ((number * HASH_FACTOR) >> 8) % spread
        return number * period_ms + self._phase_ms + jitter

    def _sample(self, number: int) -> Iterator[Event]:
        """Yield what is published of one sample."""
        at_ms = self._stamp(number)
        if not self.online(at_ms):
            return
        for place, (name, quantity) in enumerate(self.plan.events):
            yield Event(
                at_ms + place * BURST_MS,
                name,
                self._data(quantity, at_ms, number),
                self.id,
            )

    def _data(self, quantity: Quantity, at_ms: int, number: int) -> str | None:
        """Return how the board says what it measures."""
        if quantity is Quantity.ODD:
            return ODD_DATA[number % len(ODD_DATA)]
        if quantity is Quantity.CHARGE:
            return f"{self.value(quantity, at_ms):.2f}"
        return f"{self.value(quantity, at_ms):.6f}"

    def _status(self, status: str, at_ms: int) -> Event:
        """Let the cloud tell of the board's coming or going."""
        event = Event(at_ms, STATUS, status, self.id)
        self._ordered.append(event)
        return event

    def _forget(self, event: Event) -> None:
        """Take back what was to be told later."""
        self._ordered.remove(event)


def _noise_w(at_ms: int) -> float:
    """Return what the clamp sees where nothing flows; it flickers."""
    flicker = (at_ms * HASH_FACTOR >> 8) % 1000 / 1000 - 0.5
    return NOISE_FLOOR_W + FLICKER_W * flicker


def iso(at_ms: int) -> str:
    """Return an instant as the vendor writes it."""
    seconds, part_ms = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{part_ms:03d}Z"
