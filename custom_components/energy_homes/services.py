"""Actions: questions answered from memory or the ledger, heating set, homes added or forgotten."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
import voluptuous as vol

from .actions.errors import invalid, ledger_errors
from .actions.fields import ATTR_HOME, ATTR_HOMES, HOME_FIELD
from .actions.heating import (
    GET_TEMPERATURE_SCHEMA,
    SET_HOME_MODE_SCHEMA,
    SET_SETPOINT_SCHEMA,
    async_get_temperature,
    async_set_home_mode,
    async_set_setpoint,
)
from .actions.import_history import IMPORT_HISTORY_SCHEMA, async_import_history
from .actions.meter_reading import SET_METER_READING_SCHEMA, async_set_meter_reading
from .actions.periods import GET_PERIODS_SCHEMA, async_get_periods
from .actions.push_readings import PUSH_READINGS_SCHEMA, async_push_readings
from .actions.repair_gaps import REPAIR_GAPS_SCHEMA, async_repair_gaps
from .actions.statement import GET_STATEMENT_SCHEMA, async_get_statement
from .const import CONF_HOME_ID, DOMAIN
from .flows.imports.homes import IMPORT_HOME_SCHEMA, async_import_homes
from .homes.directory import DATA_HOMES, home_entries, normalized_label
from .homes.home import Home
from .ledger.opening import DATA_LEDGER
from .meters.coordinator import HomeData

GET_POWER_SCHEMA: Final = vol.Schema(HOME_FIELD)
IMPORT_HOMES_SCHEMA: Final = vol.Schema(
    {vol.Required(ATTR_HOMES): vol.All(cv.ensure_list, [IMPORT_HOME_SCHEMA])}
)
FORGET_HOME_SCHEMA: Final = vol.Schema({vol.Required(ATTR_HOME): cv.string})


async def _async_get_power(call: ServiceCall) -> ServiceResponse:
    """Answer each home's power now, from memory."""
    homes = call.hass.data[DATA_HOMES].select(call.data.get(ATTR_HOME))
    return {home.label: _power(home, home.data) for home in homes}


def _power(home: Home, data: HomeData) -> dict[str, Any]:
    """Return a home's power in W; None where there is no meter or no news of it."""
    return {
        "power": data.power,
        **_estimate(data.estimated),
        "generation_power": data.generation_power,
        "last_reading": data.last_reading.isoformat() if data.last_reading else None,
        "meters": {
            source.name: {
                "role": source.role.value,
                "power": meter.power,
                **_estimate(meter.estimated),
                "last_reading": (
                    meter.last_reading.isoformat() if meter.last_reading else None
                ),
            }
            for source in home.sources.values()
            for meter in [data.meters[source.source_id]]
        },
    }


def _estimate(estimated: bool | None) -> dict[str, bool]:
    """Return whether a power is an estimate, where it can be one."""
    return {} if estimated is None else {"estimated": estimated}


async def _async_import_homes(call: ServiceCall) -> ServiceResponse:
    """Add many homes and accounts; one that fails does not stop the others."""
    results = await async_import_homes(call.hass, call.data[ATTR_HOMES])
    return {"homes": [result.as_dict() for result in results]}


async def _async_forget_home(call: ServiceCall) -> ServiceResponse:
    """Delete the stored history of a home that was removed."""
    ledger = call.hass.data[DATA_LEDGER]
    wanted = normalized_label(call.data[ATTR_HOME])
    with ledger_errors():
        stored = await ledger.homes.async_all()
        # The mark is missing where the ledger could not be written when a home was removed.
        there = {
            entry.data[CONF_HOME_ID]: entry.title for entry in home_entries(call.hass)
        }
        removed = [home for home in stored if home.home_id not in there]
        found = [home for home in removed if normalized_label(home.label) == wanted]
        if not found:
            in_use = wanted in map(normalized_label, there.values())
            raise invalid(
                "home_in_use" if in_use else "unknown_removed_home",
                home=call.data[ATTR_HOME],
                homes=", ".join(sorted({h.label for h in removed})) or "-",
            )
        rows = [await ledger.homes.async_forget(home.home_id) for home in found]
    return {"home": found[0].label, "rows": sum(rows)}


@dataclass(frozen=True, slots=True)
class Action:
    """An action: its name, who carries it out, what it is given, and whether it answers."""

    name: str
    carry_out: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema
    answers: SupportsResponse = SupportsResponse.OPTIONAL


_ONLY: Final = SupportsResponse.ONLY

ACTIONS: Final = (
    Action("get_power", _async_get_power, GET_POWER_SCHEMA, _ONLY),
    Action("get_temperature", async_get_temperature, GET_TEMPERATURE_SCHEMA, _ONLY),
    Action("get_periods", async_get_periods, GET_PERIODS_SCHEMA, _ONLY),
    Action("get_statement", async_get_statement, GET_STATEMENT_SCHEMA, _ONLY),
    Action("set_setpoint", async_set_setpoint, SET_SETPOINT_SCHEMA),
    Action("set_home_mode", async_set_home_mode, SET_HOME_MODE_SCHEMA),
    Action("set_meter_reading", async_set_meter_reading, SET_METER_READING_SCHEMA),
    Action("push_readings", async_push_readings, PUSH_READINGS_SCHEMA),
    Action("repair_gaps", async_repair_gaps, REPAIR_GAPS_SCHEMA),
)
ACTIONS_OF_ADMINS: Final = (
    Action("import_history", async_import_history, IMPORT_HISTORY_SCHEMA),
    Action("import_homes", _async_import_homes, IMPORT_HOMES_SCHEMA),
    Action("forget_home", _async_forget_home, FORGET_HOME_SCHEMA),
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for one in ACTIONS:
        hass.services.async_register(
            DOMAIN, one.name, one.carry_out, one.schema, one.answers
        )
    for one in ACTIONS_OF_ADMINS:
        async_register_admin_service(
            hass, DOMAIN, one.name, one.carry_out, one.schema, one.answers
        )
