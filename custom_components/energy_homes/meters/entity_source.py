"""Any power or energy entity of Home Assistant as a meter."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
import math
from typing import Final, override

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfEnergy,
    UnitOfPower,
)
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_entity_registry_updated_event,
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter, PowerConverter

from ..metering.dial import drop_oldest, mean_power
from ..metering.model import CounterReading, PowerReading, Reading
from ..metering.readings import MIN_SPACING

COUNTER_WINDOW: Final = timedelta(minutes=5)
"""Over how long a counter's mean power is taken; its steps say nothing about less."""

type EntityListener = Callable[[Iterable[Reading], float | None], None]


class EntitySource:
    """Turns the states of one entity into readings.

    A power entity's state holds until the next one, while a reading's power holds back to
    the reading before it: so each change closes the time of the state that it replaces.
    A power that does not change is read at every tick while it is available. A counter
    counts up to when it was reported, and a tick says nothing about what it did since.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entity: str,
        listener: EntityListener,
        *,
        since: datetime,
    ) -> None:
        """Follow an entity by its registry id, or by its entity id.

        What a counter was reported to show before `since` is what it shows then.
        """
        self._hass = hass
        self._entity = entity
        self._listener = listener
        self._since = since
        self._held: float | None = None
        self._counted: list[CounterReading] = []
        self._unsubscribe: list[CALLBACK_TYPE] = []

    @override
    def __repr__(self) -> str:
        """Return which entity this is."""
        return f"EntitySource({self._entity})"

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Listen to the entity, its present state first; return how to stop."""
        self._subscribe()
        return self._stop

    @callback
    def _stop(self) -> None:
        """Stop listening."""
        while self._unsubscribe:
            self._unsubscribe.pop()()

    @property
    def entity_id(self) -> str | None:
        """Return the entity's present id; None where it is gone from the registry."""
        return er.async_resolve_entity_id(er.async_get(self._hass), self._entity)

    @callback
    def _subscribe(self) -> None:
        """Listen under the entity's present id."""
        self._stop()
        if (entity_id := self.entity_id) is None:
            self._listener((), None)
            return
        self._unsubscribe = [
            async_track_state_change_event(self._hass, entity_id, self._changed),
            async_track_state_report_event(self._hass, entity_id, self._reported),
            async_track_entity_registry_updated_event(
                self._hass, entity_id, self._registry_updated
            ),
        ]
        self.async_read()

    @callback
    def _registry_updated(
        self, _event: Event[er.EventEntityRegistryUpdatedData]
    ) -> None:
        """Follow a rename or a removal."""
        self._subscribe()

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        """Take a new state."""
        state = event.data["new_state"]
        self._take(state, state.last_reported if state else event.time_fired)

    @callback
    def _reported(self, event: Event[EventStateReportedData]) -> None:
        """Take an unchanged state that was reported again."""
        self._take(event.data["new_state"], event.data["last_reported"])

    @callback
    def async_read(self) -> None:
        """Take the present state as it stands now."""
        entity_id = self.entity_id
        state = self._hass.states.get(entity_id) if entity_id else None
        now = dt_util.utcnow()
        if state is None or counted_kwh(state) is None:
            self._take(state, now)
            return
        at = state.last_reported
        if self._since <= now:
            at = max(at, self._since)
        if not self._counted or at > self._counted[-1].at:
            self._take(state, at)

    @callback
    def _take(self, state: State | None, at: datetime) -> None:
        """Turn a state into readings at an instant."""
        energy = counted_kwh(state)
        if energy is not None:
            if energy >= 0:
                self._take_energy(CounterReading(at, energy))
            # No counter shows less.
            return
        power = power_w(state)
        before, self._held = self._held, power
        self._counted.clear()
        through = power if before is None else before
        readings = () if through is None else (PowerReading(at, through),)
        self._listener(readings, power)

    @callback
    def _take_energy(self, reading: CounterReading) -> None:
        """Hand on what a counter shows, and its mean power of late."""
        self._held = None
        counted, at = self._counted, reading.at
        if counted and at < counted[-1].at:
            # The clock was set back.
            counted.clear()
        if not counted or at - counted[-1].at >= MIN_SPACING:
            counted.append(reading)
        while len(counted) > 2 and at - counted[1].at >= COUNTER_WINDOW:
            drop_oldest(counted, 1)
        self._listener((reading,), mean_power(counted, COUNTER_WINDOW))


def power_w(state: State | None) -> float | None:
    """Return the power that a state says in W; None for what is none."""
    value = _number(state)
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
    if value is None or unit not in PowerConverter.VALID_UNITS:
        return None
    return PowerConverter.convert(value, unit, UnitOfPower.WATT)


def counted_kwh(state: State | None) -> float | None:
    """Return what an energy counter's state shows in kWh; None for what is none."""
    value = _number(state)
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
    if value is None or unit not in EnergyConverter.VALID_UNITS:
        return None
    return EnergyConverter.convert(value, unit, UnitOfEnergy.KILO_WATT_HOUR)


def _number(state: State | None) -> float | None:
    """Return a state as a finite number, else None."""
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
