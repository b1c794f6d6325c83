"""The action that pushes meter readings to a spreadsheet's script."""

from collections.abc import Sequence
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..accounts.kinds import counts_pulses
from ..clouds.sheet import is_push_url
from ..const import DOMAIN
from ..endpoints.push import (
    NamedReading,
    async_push,
    board_entries,
    board_push_url,
    board_readings,
    loaded_board,
)
from ..homes.directory import normalized_label
from ..homes.meter_names import HomeMeter, find_meter, home_meters

ATTR_BOARD: Final = "board"
ATTR_METERS: Final = "meters"
ATTR_URL: Final = "url"

PUSH_READINGS_SCHEMA: Final = vol.Schema(
    {
        vol.Optional(ATTR_BOARD): cv.string,
        vol.Optional(ATTR_METERS): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional(ATTR_URL): cv.string,
    }
)


async def async_push_readings(call: ServiceCall) -> ServiceResponse:
    """Push the readings of a board's channels, or of meters, in their order."""
    hass = call.hass
    if (ATTR_BOARD in call.data) is (ATTR_METERS in call.data):
        raise _refused("push_board_or_meters")
    if (address := call.data.get(ATTR_URL)) is not None:
        await _async_require_admin(call)
    if (name := call.data.get(ATTR_BOARD)) is not None:
        entry = _board(hass, name)
        if address is None:
            address = board_push_url(entry)
        readings: Sequence[NamedReading] = _board_readings(hass, entry)
    else:
        known = home_meters(hass)
        meters = [
            find_meter(hass, text, known, "unknown_meter")
            for text in call.data[ATTR_METERS]
        ]
        readings = [NamedReading(m.name, _reading(m)) for m in meters]
    if address is None:
        raise _refused("push_url_needed")
    if not is_push_url(address):
        raise _refused("push_address")
    if not readings:
        raise _refused("push_nothing")
    status = await async_push(hass, address, readings)
    return {
        "status": status,
        "readings": [
            {"meter": one.name, "reading": round(one.reading, 2)}
            for one in readings
            if one.reading is not None
        ],
    }


async def _async_require_admin(call: ServiceCall) -> None:
    """Refuse an address that comes from a user who is no admin."""
    if call.context.user_id is None:
        return
    user = await call.hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    if not user.is_admin:
        raise Unauthorized(context=call.context)


@callback
def _board(hass: HomeAssistant, name: str) -> ConfigEntry:
    """Return the board with a name. Raises ServiceValidationError naming the boards."""
    entries = board_entries(hass)
    wanted = normalized_label(name)
    found = [entry for entry in entries if normalized_label(entry.title) == wanted]
    if len(found) == 1:
        return found[0]
    raise _refused(
        "ambiguous_board" if found else "unknown_board",
        board=name,
        boards=", ".join(sorted(entry.title for entry in entries)) or "-",
    )


@callback
def _board_readings(
    hass: HomeAssistant, entry: ConfigEntry
) -> tuple[NamedReading, ...]:
    """Return what the meters of a board show. Raises HomeAssistantError."""
    if (hub := loaded_board(hass, entry)) is None:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="push_board_not_loaded",
            translation_placeholders={"board": entry.title},
        )
    return board_readings(hub)


@callback
def _reading(meter: HomeMeter) -> float | None:
    """Return what a meter shows in kWh, its energy total where it has no dial of ours.

    None where that is not known.
    """
    if counts_pulses(meter.revision.kind):
        channel = meter.home.coordinator.meters[meter.source.source_id].channel
        return None if channel is None else channel.view.known_reading
    data = meter.home.data.meters[meter.source.source_id]
    if data.last_reading is None and data.energy == 0:
        return None
    return data.energy


def _refused(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error of what cannot be asked."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )
