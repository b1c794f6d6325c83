"""An open stream: what is to be sent on it, and what goes wrong with it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter

from simulator.noise import mix_seed
from simulator.particle.device import Device, Event
from simulator.particle.framing import Source, Style
from simulator.particle.tokens import Token

WINDOW_MS = 60_000
"""So much time is sent at once, where more has passed."""


class End(StrEnum):
    """How a stream ends."""

    CLOSED = "closed"
    """As an answer ends that is complete."""
    CUT = "cut"
    """In the middle of a line."""
    RESET = "reset"


@dataclass
class Troubles:
    """What was ordered to go wrong, next."""

    end: End | None = None
    duplicates: int = 0
    disorder: int = 0
    raw: bytes = b""


@dataclass(frozen=True)
class Silence:
    """A time in which nothing comes on open streams, of one token or of all."""

    from_ms: int
    to_ms: int | None
    token: str | None

    def holds(self, token: Token, at_ms: int) -> bool:
        """Tell whether nothing comes at an instant."""
        return (
            self.token in {None, token.text}
            and self.from_ms <= at_ms
            and (self.to_ms is None or at_ms < self.to_ms)
        )


@dataclass(frozen=True)
class Watched:
    """What a stream tells of: the boards now, the beginning of the names, and to whom."""

    path: str
    devices: Callable[[], Sequence[Device]]
    prefix: str = ""
    source: Source | None = None
    """Where it is a product's stream: the product and its owner."""


@dataclass(eq=False)
class Stream:
    """One connection; all that is due in (`cursor_ms`, now] is sent when time has moved."""

    number: int
    token: Token
    watched: Watched
    port: int
    style: Callable[[], Style]
    pauses_ms: Callable[[], tuple[int, int]]
    silences: list[Silence]
    opened_ms: int
    cursor_ms: int
    troubles: Troubles = field(default_factory=Troubles)
    written: int = 0
    events: int = 0
    writing: bool = True
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _alive: int = 0
    _alive_ms: int = 0
    _later: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Plan the first keep-alive."""
        self._plan_alive(self.opened_ms)

    def silent(self, at_ms: int) -> bool:
        """Tell whether nothing comes at an instant."""
        return any(silence.holds(self.token, at_ms) for silence in self.silences)

    def due(self, now_ms: int) -> bool:
        """Tell whether something is to be sent, or to be done."""
        next_ms = self.next_ms()
        return (
            now_ms < self.cursor_ms
            or bool(self.troubles.raw)
            or self.troubles.end in {End.CLOSED, End.RESET}
            or (next_ms is not None and next_ms <= now_ms)
        )

    def next_ms(self) -> int | None:
        """Return when something next happens on the stream; None where nothing does."""
        after_ms = self.cursor_ms + 1
        nexts = [self.token.end_ms]
        if self.silent(after_ms):
            nexts += [s.to_ms for s in self.silences if s.holds(self.token, after_ms)]
        else:
            nexts.append(self._alive_ms)
            nexts += [d.next_ms(self.cursor_ms) for d in self.watched.devices()]
        return min((at_ms for at_ms in nexts if at_ms is not None), default=None)

    def take(self, now_ms: int) -> tuple[bytes, End | None]:
        """Return what is to be sent now, at most a minute of it, and how it ends then."""
        if now_ms < self.cursor_ms:
            self.cursor_ms = now_ms
            self._plan_alive(now_ms)
        raw, self.troubles.raw = self.troubles.raw, b""
        if self.troubles.end in {End.CLOSED, End.RESET}:
            return raw, self.troubles.end
        until_ms = min(now_ms, self.cursor_ms + WINDOW_MS)
        end = None if self.token.good(until_ms) else End.CLOSED
        pieces = [raw]
        for item in self._items(until_ms):
            at_ms = item if isinstance(item, int) else item.at_ms
            if self.silent(at_ms) or not self.token.good(at_ms):
                continue
            if isinstance(item, int):
                pieces.append(self.style().alive(self._alive))
                continue
            frame = self._frame(item)
            if self.troubles.end is End.CUT:
                return b"".join((*pieces, frame[: len(frame) * 2 // 3])), End.CUT
            self.events += 1
            pieces += self._troubled(frame)
        self.cursor_ms = until_ms
        return b"".join(pieces), end

    def _items(self, until_ms: int) -> list[Event | int]:
        """Return events and keep-alives that are due, in the order of their time."""
        events: list[Event] = []
        for device in self.watched.devices():
            events += device.events(self.cursor_ms + 1, until_ms + 1)
        events = [e for e in events if e.name.startswith(self.watched.prefix)]
        events.sort(key=attrgetter("at_ms"))
        items: list[Event | int] = []
        for event in events:
            items += self._alive_until(event.at_ms)
            items.append(event)
        return items + self._alive_until(until_ms)

    def _alive_until(self, at_ms: int) -> list[int]:
        """Return the keep-alives that are due by an instant."""
        found = []
        while self._alive_ms <= at_ms:
            found.append(self._alive_ms)
            self._plan_alive(self._alive_ms)
        return found

    def _plan_alive(self, at_ms: int) -> None:
        """Plan the keep-alive after one at an instant."""
        self._alive += 1
        least_ms, most_ms = self.pauses_ms()
        spread = most_ms - least_ms + 1
        pause_ms = least_ms + mix_seed(self.number, self._alive) % spread
        self._alive_ms = at_ms + pause_ms

    def _frame(self, event: Event) -> bytes:
        """Return an event as it goes onto the wire."""
        return self.style().event(event, self.watched.source)

    def _troubled(self, frame: bytes) -> list[bytes]:
        """Return an event with what was held back, or twice, or nothing yet."""
        if self.troubles.duplicates > 0:
            self.troubles.duplicates -= 1
            return [frame, frame]
        if self.troubles.disorder > 0 and not self._later:
            self.troubles.disorder -= 1
            self._later.append(frame)
            return []
        held, self._later = self._later, []
        return [frame, *held]
