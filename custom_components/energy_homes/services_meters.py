"""The meters that an action names: by entity, by name, or as "home: name"."""

from collections.abc import Iterable
from dataclasses import dataclass

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .home import Home
from .homes import DATA_HOMES, normalized_label
from .models import MeterSource, Revision


@dataclass(frozen=True, slots=True)
class HomeMeter:
    """A meter of a home that is loaded."""

    home: Home
    source: MeterSource
    subentry_id: str

    @property
    def name(self) -> str:
        """Return what tells the meter from those of all homes."""
        return f"{self.home.label}: {self.source.name}"

    @property
    def revision(self) -> Revision:
        """Return the hardware of now."""
        return self.source.current(dt_util.utcnow())


@callback
def home_meters(hass: HomeAssistant) -> tuple[HomeMeter, ...]:
    """Return the meters of all homes that are loaded."""
    return tuple(
        HomeMeter(home, source, subentry_id)
        for home in hass.data[DATA_HOMES].all
        for subentry_id, source in home.sources.items()
    )


@callback
def named_meters(hass: HomeAssistant, names: Iterable[str]) -> list[HomeMeter]:
    """Return the meters that are named, in their order.

    Raises ServiceValidationError naming the choices where there is none, or more than one.
    """
    meters = home_meters(hass)
    return [_named(hass, meters, name) for name in names]


def _named(hass: HomeAssistant, meters: tuple[HomeMeter, ...], name: str) -> HomeMeter:
    """Return one meter."""
    wanted = normalized_label(name)
    entity = er.async_get(hass).async_get(wanted)
    for found in (
        [
            meter
            for meter in meters
            if entity is not None
            and entity.platform == DOMAIN
            and entity.config_subentry_id == meter.subentry_id
        ],
        [meter for meter in meters if normalized_label(meter.name) == wanted],
        [meter for meter in meters if normalized_label(meter.source.name) == wanted],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise _error("ambiguous_meter", name, found)
    raise _error("unknown_meter", name, meters)


def _error(key: str, name: str, choices: Iterable[HomeMeter]) -> ServiceValidationError:
    """Return the error of a name that does not stand for one meter."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={
            "meter": name,
            "meters": ", ".join(f"“{meter.name}”" for meter in choices) or "-",
        },
    )
