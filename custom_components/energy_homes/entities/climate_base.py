"""A climate entity that both supported versions of Home Assistant take without a warning."""

from typing import TYPE_CHECKING, override

from homeassistant.components.climate import ClimateEntity
from homeassistant.const import UnitOfTemperature


class NativeClimateEntity(ClimateEntity):
    """A climate entity in °C whose temperatures go by the names of 2026.11.

    Home Assistant 2026.10 asks for the same by their old names, and 2026.11 warns of these.
    """

    @property
    @override
    def native_temperature_unit(self) -> str:
        """Return the unit of the native temperatures."""
        return UnitOfTemperature.CELSIUS

    if not TYPE_CHECKING and not hasattr(ClimateEntity, "native_target_temperature"):

        @property
        def temperature_unit(self) -> str:
            """Return the unit of the native temperatures."""
            return self.native_temperature_unit

        @property
        def current_temperature(self) -> float | None:
            """Return what is measured."""
            return self.native_current_temperature

        @property
        def target_temperature(self) -> float | None:
            """Return what is to be reached."""
            return self.native_target_temperature
