"""What the dial of a meter shows: which meters have one that can be set, and setting it."""

from collections.abc import Iterator
from dataclasses import dataclass

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..accounts.channel import MeterChannel
from ..const import DOMAIN
from ..metering.pulses import MAX_METERCOUNT
from .directory import DATA_HOMES
from .home import Home
from .meter_names import HomeMeter, find_meter


@dataclass(frozen=True, slots=True)
class DialMeter(HomeMeter):
    """A meter of a home whose pulses a board counts."""

    @property
    def channel(self) -> MeterChannel:
        """Return the channel that counts; raises HomeAssistantError without its board."""
        channel = self.home.coordinator.meters[self.source.source_id].channel
        if channel is None:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="board_not_loaded",
                translation_placeholders={"meter": self.name},
            )
        return channel

    async def async_set(self, reading: float) -> None:
        """Let the meter show so many kWh; it is kept once this returns.

        Raises ServiceValidationError for what no meter can show, HomeAssistantError where
        it could not be kept.
        """
        channel = self.channel
        try:
            kept = await channel.async_set_reading(reading)
        except ValueError as err:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="reading_range",
                translation_placeholders={
                    "meter": self.name,
                    "reading": str(reading),
                    "max": str(MAX_METERCOUNT),
                },
            ) from err
        self._check(kept)

    async def async_reset_subtotal(self) -> None:
        """Let the subtotal begin at zero; it is kept once this returns.

        Raises HomeAssistantError where it could not be kept.
        """
        self._check(await self.channel.async_reset_subtotal())

    def _check(self, kept: bool) -> None:
        """Raise HomeAssistantError where a change could not be kept."""
        if not kept:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="reading_not_kept",
                translation_placeholders={"meter": self.name},
            )


def dial_meters_of(home: Home) -> Iterator[DialMeter]:
    """Yield the meters of a home that have a dial."""
    for subentry_id, source in home.sources.items():
        if home.has_channel(source):
            yield DialMeter(home, subentry_id, source)


def find_dial_meter(hass: HomeAssistant, text: str) -> DialMeter:
    """Return the meter that a text names: an entity of its, its name, or home and name.

    Raises ServiceValidationError, naming the choices, where it is none or more than one.
    """
    meters = [
        meter for home in hass.data[DATA_HOMES].all for meter in dial_meters_of(home)
    ]
    return find_meter(hass, text, meters, "unknown_dial_meter")
