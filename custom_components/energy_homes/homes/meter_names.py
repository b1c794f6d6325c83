"""The meters that an action names: by an entity, by a name, or by home and name."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..models import MeterSource, Revision
from .directory import DATA_HOMES, normalized_label
from .home import Home


@dataclass(frozen=True, slots=True)
class HomeMeter:
    """A meter of a home that is loaded."""

    home: Home
    subentry_id: str
    source: MeterSource

    @property
    def name(self) -> str:
        """Return what tells the meter from those of other homes, as its device is called."""
        return f"{self.home.label} {self.source.name}"

    @property
    def revision(self) -> Revision:
        """Return the hardware of now."""
        return self.source.current(dt_util.utcnow())


@callback
def home_meters(hass: HomeAssistant) -> list[HomeMeter]:
    """Return the meters of all homes that are loaded."""
    return [
        HomeMeter(home, subentry_id, source)
        for home in hass.data[DATA_HOMES].all
        for subentry_id, source in home.sources.items()
    ]


@callback
def find_meter[Meter: HomeMeter](
    hass: HomeAssistant, text: str, meters: Sequence[Meter], unknown: str
) -> Meter:
    """Return the one of some meters that a text names: an entity of its, or its name.

    Raises ServiceValidationError, naming the choices, where it is none, with the key
    `unknown`, or more than one.
    """
    wanted = normalized_label(text)
    entity = er.async_get(hass).async_get(wanted)
    if entity is not None and entity.platform == DOMAIN:
        found = [m for m in meters if m.subentry_id == entity.config_subentry_id]
    else:
        found = [m for m in meters if normalized_label(m.name) == wanted] or [
            m for m in meters if normalized_label(m.source.name) == wanted
        ]
    if len(found) == 1:
        return found[0]
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="ambiguous_meter" if found else unknown,
        translation_placeholders={
            "meter": text,
            "meters": ", ".join(m.name for m in found or meters) or "-",
        },
    )
