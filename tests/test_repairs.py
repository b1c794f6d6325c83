"""Fix flows, over HTTP as the frontend uses them."""

from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.const import DOMAIN, LEDGER_FILE
from simulator.scenario import NETATMO_TERRACE_USER
from tests.flows.helpers import POWER, placeholders, sources, submit_meter

from .builders import (
    entity_revision,
    heating_source,
    heating_subentry,
    home_entry,
    meter_subentry,
    netatmo_account_entry,
    netatmo_credential,
    set_up,
)
from .netatmo_control import NetatmoControl
from .virtual import VirtualTime

ISSUE = "meter_missing_shed"


@pytest.fixture
async def shed(
    recorder_mock: Recorder, hass: HomeAssistant, virtual: VirtualTime
) -> ConfigEntry:
    """Set up a home whose meter is missing for a day."""
    assert await async_setup_component(hass, "repairs", {})
    assert await async_setup_component(hass, "config", {})
    hass.states.async_set("sensor.clamp", "1", POWER)
    home: ConfigEntry = home_entry(
        "Shed", meter_subentry("shed", entity_revision("sensor.clamp"))
    )
    await set_up(hass, home)
    hass.states.async_set("sensor.clamp", STATE_UNAVAILABLE, POWER)
    await virtual.move_to(virtual.now + timedelta(days=1, minutes=10))
    return home


@pytest.fixture
async def api(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    shed: ConfigEntry,
) -> TestClient[Any, Any]:
    """Return a client with a token of after the day that went by."""
    token = await hass.auth.async_create_refresh_token(hass_admin_user, "http://x/")
    client: TestClient[Any, Any] = await hass_client(
        hass.auth.async_create_access_token(token)
    )
    return client


async def fix(
    api: TestClient[Any, Any], flow_id: str | None = None, **data: Any
) -> dict[str, Any]:
    """Start or go on with a fix flow."""
    path = "/api/repairs/issues/fix" + (f"/{flow_id}" if flow_id else "")
    response = await api.post(path, json=data)
    assert response.status == HTTPStatus.OK
    answer: dict[str, Any] = await response.json()
    return answer


async def test_missing_meter_leads_into_its_replacement(
    hass: HomeAssistant,
    api: TestClient[Any, Any],
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The repair says what happened, opens "replace this meter", and goes with it."""
    form = await fix(api, handler=DOMAIN, issue_id=ISSUE)
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"]["meter"] == "Electricity meter"
    assert form["description_placeholders"]["hardware"] == "sensor.clamp"

    done = await fix(api, form["flow_id"])
    assert done["type"] == "abort"
    assert done["reason"] == "replace_meter"
    kind, flow_id = done["next_flow"]
    assert kind == "config_subentries_flow"
    assert issue_registry.async_get_issue(DOMAIN, ISSUE) is not None

    replace = await hass.config_entries.subentries.async_configure(flow_id)
    assert replace["step_id"] == "replace"
    hass.states.async_set("sensor.new", "1", POWER)
    await submit_meter(hass, replace, meter="entity", entity="sensor.new")
    assert sources(shed)[0].revisions[-1].entity == "sensor.new"
    assert issue_registry.async_get_issue(DOMAIN, ISSUE) is None


async def test_meter_that_was_removed_needs_no_repair(
    hass: HomeAssistant,
    api: TestClient[Any, Any],
    shed: ConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Where the meter went while the form was open, the repair is done."""
    form = await fix(api, handler=DOMAIN, issue_id=ISSUE)
    (subentry_id,) = shed.subentries
    hass.config_entries.async_remove_subentry(shed, subentry_id)
    await hass.async_block_till_done()

    done = await fix(api, form["flow_id"])
    assert done["type"] == "create_entry"
    assert issue_registry.async_get_issue(DOMAIN, ISSUE) is None


async def test_missing_heating_leads_into_its_replacement(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The repair opens "replace this Netatmo home", where there is one to choose."""
    assert await async_setup_component(hass, "repairs", {})
    assert await async_setup_component(hass, "config", {})
    await netatmo_credential(hass)
    heating = heating_source(netatmo, "Elm Street", source_id="elm")
    await set_up(hass, home_entry("Elm", heating_subentry(heating)))
    await virtual.move_to(virtual.now + timedelta(days=1, minutes=10))
    issue = issue_registry.async_get_issue(DOMAIN, "heating_missing_elm")
    assert issue is not None
    token = await hass.auth.async_create_refresh_token(hass_admin_user, "http://x/")
    client: TestClient[Any, Any] = await hass_client(
        hass.auth.async_create_access_token(token)
    )

    form = await fix(client, handler=DOMAIN, issue_id=issue.issue_id)
    assert form["description_placeholders"] == issue.translation_placeholders
    done = await fix(client, form["flow_id"])
    assert done["type"] == "abort"
    assert done["reason"] == "no_free_home"
    await set_up(hass, netatmo_account_entry(netatmo, NETATMO_TERRACE_USER))
    form = await fix(client, handler=DOMAIN, issue_id=issue.issue_id)
    done = await fix(client, form["flow_id"])
    assert done["reason"] == "replace_heating"
    kind, flow_id = done["next_flow"]
    assert kind == "config_subentries_flow"
    replace = await hass.config_entries.subentries.async_configure(flow_id)
    assert replace["step_id"] == "replace"
    assert placeholders(replace)["heating"] == "Heating"


async def test_damaged_ledger_is_confirmed(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    hass_config_dir: str,
    hass_client: ClientSessionGenerator,
    issue_registry: ir.IssueRegistry,
) -> None:
    """What only has to be known goes once somebody has read it."""
    Path(hass_config_dir, LEDGER_FILE).write_bytes(b"this is no database" * 1000)
    assert await async_setup_component(hass, "repairs", {})
    await set_up(hass, home_entry("Shed"))
    client: TestClient[Any, Any] = await hass_client()

    form = await fix(client, handler=DOMAIN, issue_id="ledger_damaged")
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"]["file"].startswith(LEDGER_FILE)
    assert issue_registry.async_get_issue(DOMAIN, "ledger_damaged") is not None
    done = await fix(client, form["flow_id"])
    assert done["type"] == "create_entry"
    assert issue_registry.async_get_issue(DOMAIN, "ledger_damaged") is None
