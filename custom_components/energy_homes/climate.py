"""Climate entities: one per heated room."""

from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.components.climate import (
    ATTR_HVAC_MODE,
    PRESET_AWAY,
    PRESET_BOOST,
    ClimateEntityDescription,
    ClimateEntityFeature,
    HVACAction,
    HVACMode,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_TEMPERATURE, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .entities.climate_base import NativeClimateEntity
from .entity import RoomEntity
from .heating.model import SetpointMode
from .heating.refused import HeatingProblem, HeatingRequestError
from .heating.setpoint import setpoint_request
from .heating.view import RoomView
from .homes.home import Home
from .rooms.driver import RoomDriver
from .rooms.errors import request_error

PARALLEL_UPDATES = 0

PRESET_SCHEDULE: Final = "schedule"
PRESET_FROST_GUARD: Final = "frost_guard"

PRESETS: Final = {
    PRESET_SCHEDULE: SetpointMode.SCHEDULE,
    PRESET_AWAY: SetpointMode.AWAY,
    PRESET_FROST_GUARD: SetpointMode.FROST_GUARD,
    PRESET_BOOST: SetpointMode.MAX,
}

_PRESET_OF: Final = {mode: preset for preset, mode in PRESETS.items()}

_HVAC_MODES: Final = {
    SetpointMode.SCHEDULE: HVACMode.AUTO,
    SetpointMode.AWAY: HVACMode.AUTO,
    SetpointMode.FROST_GUARD: HVACMode.AUTO,
    SetpointMode.MANUAL: HVACMode.HEAT,
    SetpointMode.MAX: HVACMode.HEAT,
    SetpointMode.OFF: HVACMode.OFF,
}


@dataclass(frozen=True, kw_only=True)
class RoomClimateDescription(ClimateEntityDescription):
    """A climate entity of a room."""


ROOM_CLIMATE = RoomClimateDescription(key="climate", translation_key="room")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the rooms of a home."""
    home = entry.runtime_data
    if not isinstance(home, Home):
        return
    for subentry_id, heating in home.heating.items():
        async_add_entities(
            (RoomClimate(driver, ROOM_CLIMATE) for driver in heating.drivers.values()),
            config_subentry_id=subentry_id,
        )


class RoomClimate(RoomEntity, NativeClimateEntity):
    """A heated room. Every command is for this room only.

    Auto is what the room does by itself (schedule, away, frost guard), heat is what somebody
    set it to (a temperature, boost).
    """

    entity_description: RoomClimateDescription
    _attr_name = None
    _attr_hvac_modes = [HVACMode.AUTO, HVACMode.HEAT, HVACMode.OFF]  # noqa: RUF012
    _attr_preset_modes = list(PRESETS)  # noqa: RUF012
    _attr_supported_features = (
        ClimateEntityFeature.TARGET_TEMPERATURE
        | ClimateEntityFeature.PRESET_MODE
        | ClimateEntityFeature.TURN_ON
        | ClimateEntityFeature.TURN_OFF
    )
    _unrecorded_attributes = frozenset({"pending"})

    def __init__(self, driver: RoomDriver, description: RoomClimateDescription) -> None:
        """Offer what the room can be set to."""
        super().__init__(driver, description)
        self._attr_min_temp = driver.capabilities.lowest
        self._attr_max_temp = driver.capabilities.highest

    @property
    def _known(self) -> RoomView | None:
        """Return the room where the vendor says what it does now."""
        return self.room if self.driver.available else None

    @property
    @override
    def available(self) -> bool:
        """Return whether a command may be tried."""
        return self.driver.controllable and self.room.reachable is not False

    @property
    @override
    def target_temperature_step(self) -> float:
        """Return the room's step; whole degrees are the nearest to it in °F."""
        celsius = self.hass.config.units.temperature_unit == UnitOfTemperature.CELSIUS
        return self.driver.capabilities.step if celsius else 1

    @property
    @override
    def native_current_temperature(self) -> float | None:
        """Return what is measured."""
        return None if (room := self._known) is None else room.temperature

    @property
    @override
    def native_target_temperature(self) -> float | None:
        """Return what the room is set to; None while it is off."""
        room = self._known
        return None if room is None or room.mode is SetpointMode.OFF else room.setpoint

    @property
    @override
    def hvac_mode(self) -> HVACMode | None:
        """Return who decides what the room is set to."""
        room = self._known
        return None if room is None or room.mode is None else _HVAC_MODES[room.mode]

    @property
    @override
    def preset_mode(self) -> str | None:
        """Return the preset; None while a temperature set by hand, or off, holds."""
        room = self._known
        return None if room is None or room.mode is None else _PRESET_OF.get(room.mode)

    @property
    @override
    def hvac_action(self) -> HVACAction | None:
        """Return what happens in the room now."""
        return None if (room := self._known) is None else _action(room)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """Return how the setpoint came about, and when it ends."""
        if (room := self._known) is None:
            return {}
        return {
            "setpoint_mode": room.mode,
            "setpoint_end": None if room.until is None else room.until.isoformat(),
            "emulated": room.emulated,
            "pending": room.pending,
        }

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        """Hold a temperature (°C) until further notice."""
        hvac_mode: HVACMode | None = kwargs.get(ATTR_HVAC_MODE)
        if hvac_mode is not None:
            self._valid_mode_or_raise("hvac", hvac_mode, self.hvac_modes)
        if hvac_mode in {HVACMode.AUTO, HVACMode.OFF}:
            raise request_error(
                HeatingRequestError(HeatingProblem.TEMPERATURE_UNWANTED, mode=hvac_mode)
            )
        await self._async_ask(SetpointMode.MANUAL, kwargs[ATTR_TEMPERATURE])

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        """Switch between the schedule, a temperature set by hand, and off."""
        match hvac_mode:
            case HVACMode.AUTO:
                await self._async_ask(SetpointMode.SCHEDULE)
            case HVACMode.OFF:
                await self._async_ask(SetpointMode.OFF)
            case _ if self.hvac_mode is not HVACMode.HEAT:
                await self._async_ask(SetpointMode.MANUAL, self._manual_temperature())

    @override
    async def async_set_preset_mode(self, preset_mode: str) -> None:
        """Do what a preset means in this room."""
        await self._async_ask(PRESETS[preset_mode])

    @override
    async def async_turn_on(self) -> None:
        """Go back to the schedule where the room is off; else it is on already."""
        if self.hvac_mode in {None, HVACMode.OFF}:
            await self._async_ask(SetpointMode.SCHEDULE)

    @override
    async def async_turn_off(self) -> None:
        """Turn the room off."""
        await self._async_ask(SetpointMode.OFF)

    async def _async_ask(
        self, mode: SetpointMode, temperature: float | None = None
    ) -> None:
        """Ask something of this room on behalf of the caller."""
        try:
            request = setpoint_request(
                mode, now=dt_util.utcnow(), temperature=temperature
            )
        except HeatingRequestError as err:
            raise request_error(err) from err
        await self.driver.async_set(request, self._context)

    def _manual_temperature(self) -> float | None:
        """Return what "heat" holds, in °C: the first of these above the least that can be.

        What the room is set to now, what its schedule asks for now, what is measured.
        """
        room, can = self.room, self.driver.capabilities
        wanted = (room.setpoint, self.driver.own_temperature, room.temperature)
        return next(
            (
                min(temperature, can.highest)
                for temperature in wanted
                if temperature is not None and temperature >= can.lowest + can.step
            ),
            None,
        )


def _action(room: RoomView) -> HVACAction | None:
    """Return what happens in a room; None where nothing tells it."""
    if room.mode is SetpointMode.OFF:
        return HVACAction.OFF
    if (request := room.heating_power_request) is not None:
        heats = request > 0 and room.boiler_on is not False
    elif room.boiler_on is None:
        return None
    else:
        heats = (
            room.boiler_on
            and room.temperature is not None
            and room.setpoint is not None
            and room.temperature < room.setpoint
        )
    return HVACAction.HEATING if heats else HVACAction.IDLE
