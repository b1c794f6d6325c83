"""The offer to import the past of a new meter or heating."""

from datetime import timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import DateSelector
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...accounts.kinds import KINDS, kind_of_source
from ...accounts.registry import AccountState
from ...clouds.errors import CloudError
from ...const import CONF_IMPORT_FROM
from ...homes.inventory import Hardware, hubs
from ..forms import Fields
from .metering import async_home_zone, hardware_revision

BACKFILL_FIELDS: Final[Fields] = {vol.Optional(CONF_IMPORT_FROM): DateSelector()}

HEATING_PAST: Final = timedelta(days=365)
"""So much of a heating's past is offered; nobody says without a call what there is."""


@callback
def backfill_fields(hass: HomeAssistant, hardware: Hardware) -> Fields:
    """Return the offer where the vendor keeps what an account's meter measured."""
    kind = kind_of_source(hardware_revision(hass, hardware, dt_util.utcnow()).kind)
    keeps = kind is not None and kind.async_first_data is not None
    return BACKFILL_FIELDS if keeps else {}


async def async_first_day(
    hass: HomeAssistant, hardware: Hardware, home: ConfigEntry | None = None
) -> dict[str, Any]:
    """Return the first day that the vendor has, as a form suggests it.

    Nothing where that is not known, or cannot be asked now.
    """
    hub = hubs(hass).get(hardware[0])
    if hub is None or hub.state is not AccountState.CONNECTED:
        return {}
    if (ask := KINDS[hub.kind].async_first_data) is None:
        return {}
    try:
        first = await ask(hub)
    except CloudError:
        first = None
    if first is None:
        return {}
    zone = await async_home_zone(home)
    return {CONF_IMPORT_FROM: first.astimezone(zone).date().isoformat()}


async def async_heating_day(home: ConfigEntry | None = None) -> dict[str, Any]:
    """Return the day from which a heating's past is suggested."""
    today = dt_util.now(await async_home_zone(home)).date()
    return {CONF_IMPORT_FROM: (today - HEATING_PAST).isoformat()}
