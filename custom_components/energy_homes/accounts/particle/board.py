"""A board: what was heard of it, each thing once, and what that measures. Pure."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Final

from ...clouds.particle.models import (
    STATUS_EVENT,
    ParticleDevice,
    ParticleEvent,
    VariableValue,
)
from ...metering.model import Reading
from .measures import BoardConfig, Measure, meter_measure, ready_made

REMEMBERED: Final = 256
"""So many events of a board are remembered, to know them again.

That is a minute of a board that sends four a second, the most that the cloud takes.
"""

MAX_NAMES: Final = 64
"""So many names of events are told apart."""

_MAX_DATA: Final = 255
_STATUS: Final = {"online": True, "offline": False}


class Heard(Enum):
    """What became of an event."""

    NEW = auto()
    DUPLICATE = auto()
    STATUS = auto()
    SYSTEM = auto()
    """One that the cloud publishes, and that tells nothing of the board's online state."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a board said under a name last: its data, cut, and when (aware, UTC)."""

    data: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measure told last: its value in the quantity's unit, and when."""

    measure: Measure
    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """What an event, or a variable, brought.

    `measured` is what is newer than what was known; `readings` is what the meter says,
    older ones too, as a slot may still need them. `nonsense` counts mapped data that are no
    number.
    """

    heard: Heard = Heard.NEW
    measured: tuple[Measured, ...] = ()
    readings: tuple[Reading, ...] = ()
    nonsense: int = 0


class Board:
    """Follows one board. Instants are aware and UTC."""

    def __init__(self, board_id: str) -> None:
        """Begin without having heard anything."""
        self.board_id = board_id
        self.device: ParticleDevice | None = None
        self.online: bool | None = None
        self.last_event: datetime | None = None
        self.said: dict[str, Said] = {}
        self.values: dict[str, Measured] = {}
        self.reading: Reading | None = None
        self._config: BoardConfig | None = None
        self._measures: tuple[Measure, ...] = ()
        self._seen: OrderedDict[tuple[str, datetime], None] = OrderedDict()

    @property
    def name(self) -> str:
        """Return what people call the board."""
        return self.board_id if self.device is None else self.device.name

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return what the board measures."""
        return self._measures

    @property
    def meter(self) -> Measure | None:
        """Return what makes the board a meter, None where nothing does."""
        return meter_measure(self._measures)

    @property
    def variables(self) -> frozenset[str]:
        """Return the variables that what is measured is backed by."""
        return frozenset(m.variable for m in self._measures if m.variable is not None)

    @property
    def polled(self) -> frozenset[str]:
        """Return the variables that nothing but asking tells of."""
        return frozenset(
            measure.variable
            for measure in self._measures
            if measure.variable is not None and measure.event is None
        )

    def configure(self, config: BoardConfig | None) -> None:
        """Measure what somebody has said; None for what is known of its events."""
        self._config = config
        self._measure()

    def _measure(self) -> None:
        """Find out what the board measures; forget values of what it does not any more."""
        before = self.meter
        if self._config is not None:
            self._measures = self._config.measures
        else:
            self._measures = ready_made(self.said)
        if self.meter != before:
            self.reading = None
        known = {measure.key: measure for measure in self._measures}
        self.values = {
            key: value
            for key, value in self.values.items()
            if known.get(key) == value.measure
        }

    def take_device(self, device: ParticleDevice) -> None:
        """Take what the account says of the board."""
        if device.variables is None and self.device is not None:
            device = replace(device, variables=self.device.variables)
        self.device = device
        if device.online is not None:
            self.online = device.online

    def take(self, event: ParticleEvent) -> Taken:
        """Take an event of the board, whichever order they come in."""
        if self._known(event):
            return Taken(Heard.DUPLICATE)
        if event.name == STATUS_EVENT:
            return self._status(event)
        if event.is_system:
            return Taken(Heard.SYSTEM)
        self.online = True
        if self.last_event is None or event.published_at > self.last_event:
            self.last_event = event.published_at
        self._note(event)
        measures = [m for m in self._measures if m.event == event.name]
        return self._measured(measures, event.number, event.published_at)

    def take_variable(self, value: VariableValue, now: datetime) -> Taken:
        """Take what the board answered now for one of its variables."""
        self.online = True
        measures = [m for m in self._measures if m.variable == value.name]
        return self._measured(measures, value.number, now)

    def latest(self) -> Iterator[Measured]:
        """Yield what is known of each measure, in their order."""
        for measure in self._measures:
            if (known := self.values.get(measure.key)) is not None:
                yield known

    def _known(self, event: ParticleEvent) -> bool:
        """Return whether an event was heard before, and remember it."""
        key = (event.name, event.published_at)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _status(self, event: ParticleEvent) -> Taken:
        """Take what the cloud says of the board's connection."""
        online = _STATUS.get((event.data or "").strip().lower())
        newer = self.last_event is None or event.published_at >= self.last_event
        # The news that a board went may come after it is back.
        if online is not None and (online or newer):
            self.online = online
        return Taken(Heard.STATUS)

    def _note(self, event: ParticleEvent) -> None:
        """Remember what was said under a name; a new one may be something to measure."""
        known = self.said.get(event.name)
        if known is None and len(self.said) >= MAX_NAMES:
            return
        if known is None or event.published_at >= known.at:
            data = None if event.data is None else event.data[:_MAX_DATA]
            self.said[event.name] = Said(data, event.published_at)
        if known is None and self._config is None:
            self._measure()

    def _measured(
        self, measures: Sequence[Measure], number: float | None, at: datetime
    ) -> Taken:
        """Return what a number says for those that measure by it."""
        measured: list[Measured] = []
        readings: list[Reading] = []
        nonsense = 0
        for measure in measures:
            value = None if number is None else measure.value(number)
            if number is None or value is None:
                nonsense += 1
                continue
            if measure is self.meter:
                reading = measure.reading(number, at)
                if reading is not None:
                    readings.append(reading)
                    if self.reading is None or reading.at > self.reading.at:
                        self.reading = reading
            known = self.values.get(measure.key)
            if known is None or at > known.at:
                self.values[measure.key] = new = Measured(measure, value, at)
                measured.append(new)
        return Taken(
            measured=tuple(measured), readings=tuple(readings), nonsense=nonsense
        )
