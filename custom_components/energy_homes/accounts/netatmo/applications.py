"""The call limits of Netatmo applications, which all accounts of an application share."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN
from .budget import AppBudget

DATA_APP_BUDGETS: HassKey[dict[str, AppBudget]] = HassKey(f"{DOMAIN}_netatmo_budgets")


@callback
def app_budget(hass: HomeAssistant, client_id: str) -> AppBudget:
    """Return the calls of one application, kept for as long as Home Assistant runs."""
    budgets = hass.data.setdefault(DATA_APP_BUDGETS, {})
    if (budget := budgets.get(client_id)) is None:
        budget = budgets[client_id] = AppBudget()
    return budget
