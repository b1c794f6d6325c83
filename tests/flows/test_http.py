"""The flows as the frontend sees them: JSON over HTTP."""

from http import HTTPStatus
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.const import DOMAIN
from tests.simulator_client import ELM_TOKEN, SimulatorClient

from .helpers import ELM_ACCOUNT, ELM_GRID

FLOW = "/api/config/config_entries/flow"
SUBENTRY_FLOW = "/api/config/config_entries/subentries/flow"


@pytest.fixture
async def api(
    hass: HomeAssistant, cloud: SimulatorClient, hass_client: ClientSessionGenerator
) -> TestClient[Any, Any]:
    """Return a client of Home Assistant's API."""
    assert await async_setup_component(hass, "config", {})
    # Adds views, which a server that is running takes no more.
    assert await async_setup_component(hass, DOMAIN, {})
    client: TestClient[Any, Any] = await hass_client()
    return client


async def post(api: TestClient[Any, Any], path: str, **data: Any) -> dict[str, Any]:
    """Post to the API."""
    response = await api.post(path, json=data)
    assert response.status == HTTPStatus.OK, await response.text()
    answer: dict[str, Any] = await response.json()
    return answer


def fields(form: dict[str, Any]) -> list[str]:
    """Return the names of a form's fields."""
    return [field["name"] for field in form["data_schema"]]


async def test_account_home_and_replacement(
    hass: HomeAssistant, api: TestClient[Any, Any]
) -> None:
    """An account, its meter's home, and other hardware for that meter."""
    menu = await post(api, FLOW, handler=DOMAIN)
    form = await post(api, f"{FLOW}/{menu['flow_id']}", next_step_id="efergy")
    assert fields(form) == ["token", "server", "url"]
    assert form["data_schema"][0]["selector"]["text"]["type"] == "password"
    account = await post(api, f"{FLOW}/{form['flow_id']}", token=ELM_TOKEN)
    assert ELM_TOKEN not in str(account)
    kind, flow_id = account["next_flow"]
    assert kind == "config_flow"

    response = await api.get(f"{FLOW}/{flow_id}")
    form = await response.json()
    assert form["step_id"] == "assign"
    assert fields(form) == ["home", "name", "role", "import_from"]
    home = await post(api, f"{FLOW}/{flow_id}", home="Elm Street", role="grid")
    assert home["type"] == "create_entry"
    assert home["next_flow"][0] == "config_flow"
    entry_id = home["result"]["entry_id"]
    entry = hass.config_entries.async_get_known_entry(entry_id)
    (subentry_id,) = entry.subentries

    form = await post(api, SUBENTRY_FLOW, handler=[entry_id, "meter"])
    assert fields(form) == ["meter"]
    form = await post(api, f"{SUBENTRY_FLOW}/{form['flow_id']}", meter="entity")
    assert fields(form) == ["entity", "name", "role", "import_from"]
    menu = await post(
        api, SUBENTRY_FLOW, handler=[entry_id, "meter"], subentry_id=subentry_id
    )
    form = await post(api, f"{SUBENTRY_FLOW}/{menu['flow_id']}", next_step_id="replace")
    assert fields(form) == ["meter", "entity", "since"]
    assert form["data_schema"][2]["default"] == "2026-11-18"


async def test_home_with_an_account_meter(
    hass: HomeAssistant, api: TestClient[Any, Any]
) -> None:
    """A home takes a meter that no home has."""
    menu = await post(api, FLOW, handler=DOMAIN)
    form = await post(api, f"{FLOW}/{menu['flow_id']}", next_step_id="efergy")
    await post(api, f"{FLOW}/{form['flow_id']}", token=ELM_TOKEN)

    menu = await post(api, FLOW, handler=DOMAIN)
    form = await post(api, f"{FLOW}/{menu['flow_id']}", next_step_id="home")
    assert fields(form) == ["label", "time_zone", "meter"]
    path = f"{FLOW}/{form['flow_id']}"
    form = await post(api, path, label="Elm", meter=f"{ELM_ACCOUNT}/{ELM_GRID}")
    assert fields(form) == ["name", "role", "import_from"]
    home = await post(api, path, name="Main", role="grid")
    assert home["title"] == "Elm"
