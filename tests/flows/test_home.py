"""Homes: with an entity, with an account's meter, without any; and changing them."""

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from custom_components.energy_homes.flows.sources.metering import hardware_revision
from custom_components.energy_homes.flows.sources.part import add_part
from custom_components.energy_homes.metering.model import MeterRole
from custom_components.energy_homes.models import MeterSource
from tests.builders import (
    account_entry,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.simulator_client import MILL_TOKEN, SimulatorClient

from .helpers import (
    MILL_ACCOUNT,
    MILL_GRID,
    POWER,
    choices,
    discovered,
    homes,
    placeholders,
    sources,
    start,
    submit,
    suggested,
)

ZONE = "Europe/Berlin"
MILL_METER = f"{MILL_ACCOUNT}/{MILL_GRID}"


async def test_home_without_meter(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """A home needs a label and nothing else; it may be the very first of all entries."""
    form = await start(hass, "home")
    assert choices(form, "meter") == ["later", "entity"]
    result = await submit(hass, form, label=" Shed ", meter="later")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    home = result["result"]
    assert home.title == "Shed"
    assert home.data == {
        "kind": "home",
        "home_id": home.unique_id,
        "time_zone": hass.config.time_zone,
    }
    assert home.subentries == {}
    assert home.state is ConfigEntryState.LOADED


async def test_home_with_an_entity(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
) -> None:
    """Any power entity is a meter; a registered one is kept by its registry id."""
    registered = entity_registry.async_get_or_create("sensor", "test", "1")
    hass.states.async_set(registered.entity_id, "230", POWER)
    form = await start(hass, "home")
    form = await submit(hass, form, label="Shed", time_zone=ZONE, meter="entity")
    assert form["step_id"] == "home_entity"
    assert placeholders(form) == {"home": "Shed"}
    result = await submit(
        hass, form, entity=registered.entity_id, name="  ", role="generation"
    )

    home = result["result"]
    assert home.data["time_zone"] == ZONE
    (source,) = sources(home)
    assert source.name == "Solar meter"
    assert source.role is MeterRole.GENERATION
    assert source.revisions[0].entity == registered.id


@pytest.mark.parametrize(
    ("state", "attributes"),
    [
        ("12.5", {"unit_of_measurement": "kWh"}),
        ("0", {"unit_of_measurement": "mW"}),
        ("unavailable", {"device_class": "power"}),
        ("unknown", {"unit_of_measurement": "MWh"}),
    ],
)
async def test_entities_that_can_be_meters(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    state: str,
    attributes: dict[str, str],
) -> None:
    """Anything in a unit of power or energy, also while it is unavailable."""
    hass.states.async_set("sensor.x", state, attributes)
    form = await start(hass, "home")
    form = await submit(hass, form, label="Shed", meter="entity")
    result = await submit(hass, form, entity="sensor.x", role="grid")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_registered_entity_that_is_not_there_yet(
    recorder_mock: Recorder, hass: HomeAssistant, entity_registry: er.EntityRegistry
) -> None:
    """What the registry knows of an entity counts while the entity has no state."""
    known = entity_registry.async_get_or_create(
        "sensor", "test", "1", unit_of_measurement="W"
    )
    form = await start(hass, "home")
    form = await submit(hass, form, label="Shed", meter="entity")
    result = await submit(hass, form, entity=known.entity_id, role="grid")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_refused_entity_goes_on(
    recorder_mock: Recorder, hass: HomeAssistant, clamp: str
) -> None:
    """No such entity, no power or energy, no number, a meter of another home."""
    hass.states.async_set("sensor.warm", "21", {"unit_of_measurement": "°C"})
    hass.states.async_set("sensor.word", "much", POWER)
    hass.states.async_set("sensor.endless", "inf", POWER)
    hass.states.async_set("sensor.dumb", "unavailable")
    hass.states.async_set("sensor.taken", "1", POWER)
    await set_up(
        hass, home_entry("Attic", meter_subentry("s", entity_revision("sensor.taken")))
    )
    form = await start(hass, "home")
    form = await submit(hass, form, label="Shed", meter="entity")

    for entity, error in (
        ("sensor.nowhere", "unknown_entity"),
        ("00000000000000000000000000000000", "unknown_entity"),
        ("sensor.warm", "not_a_meter"),
        ("sensor.word", "not_a_meter"),
        ("sensor.endless", "not_a_meter"),
        ("sensor.dumb", "not_a_meter"),
        ("sensor.taken", "hardware_used"),
    ):
        form = await submit(hass, form, entity=entity, name="Main", role="grid")
        assert form["errors"] == {"entity": error}
        assert suggested(form) == {"entity": entity, "name": "Main", "role": "grid"}
    assert placeholders(form) == {
        "home": "Attic",
        "meter": "sensor.taken",
    }

    result = await submit(hass, form, entity=clamp, name="Main", role="grid")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_home_with_an_account_meter(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A meter that no home has can be chosen; its discovered item goes."""
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT))
    assert discovered(hass) == [f"{MILL_ACCOUNT}_{MILL_GRID}"]
    form = await start(hass, "home")
    assert choices(form, "meter") == ["later", "entity", MILL_METER]
    form = await submit(hass, form, label="Mill", meter=MILL_METER)
    assert form["step_id"] == "home_meter"
    assert suggested(form) == {
        "name": "Electricity meter",
        "role": "grid",
        "import_from": "2026-09-18",
    }
    result = await submit(hass, form, name="Main", role="grid")

    (source,) = sources(result["result"])
    assert source.name == "Main"
    assert source.revisions[0].account == MILL_ACCOUNT
    assert source.revisions[0].hardware_id == MILL_GRID
    assert discovered(hass) == []
    assert "next_flow" not in result


async def test_suggested_name_follows_the_role(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A name that was left as suggested is that of the chosen role."""
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT))
    form = await start(hass, "home")
    form = await submit(hass, form, label="Mill", meter=MILL_METER)
    result = await submit(hass, form, name="Electricity meter", role="generation")
    assert sources(result["result"])[0].name == "Solar meter"


async def test_refused_home_goes_on(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A label that is empty or taken, and a time zone that there is not."""
    await set_up(hass, home_entry("Attic"))
    form = await start(hass, "home")

    form = await submit(hass, form, label=" ", time_zone=ZONE, meter="later")
    assert form["errors"] == {"label": "label_needed"}
    form = await submit(hass, form, label=" ATTIC", time_zone=ZONE, meter="later")
    assert form["errors"] == {"label": "duplicate_label"}
    assert placeholders(form) == {"label": "ATTIC", "other": "Attic"}
    assert suggested(form) == {"label": " ATTIC", "time_zone": ZONE, "meter": "later"}
    form = await submit(hass, form, label="Shed", time_zone="Mars/Base", meter="later")
    assert form["errors"] == {"time_zone": "unknown_time_zone"}
    assert list(homes(hass)) == ["Attic"]

    result = await submit(hass, form, label="Shed", time_zone=ZONE, meter="later")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_what_happens_while_the_form_is_open(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A label or a meter that somebody took meanwhile leads back to the first form."""
    attic = home_entry("Attic")
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT), attic)
    first = await start(hass, "home")
    form = await submit(hass, first, label="Mill", meter=MILL_METER)
    second = await start(hass, "home")

    await set_up(hass, home_entry("mill"))
    form = await submit(hass, form, role="grid")
    assert form["step_id"] == "home"
    assert form["errors"] == {"label": "duplicate_label"}
    form = await submit(hass, form, label="Mill 2", meter=MILL_METER)
    assert form["step_id"] == "home_meter"

    add_part(
        hass,
        attic,
        MeterSource(
            source_id="s",
            name="Main",
            role=MeterRole.GRID,
            revisions=(
                hardware_revision(hass, (MILL_ACCOUNT, MILL_GRID), dt_util.utcnow()),
            ),
        ),
    )
    form = await submit(hass, form, role="grid")
    assert form["step_id"] == "home"
    assert form["errors"] == {"meter": "hardware_used"}
    assert placeholders(form)["home"] == "Attic"
    form = await submit(hass, second, label="Mill 2", meter=MILL_METER)
    assert form["errors"] == {"meter": "unknown_meter"}
    assert placeholders(form) == {"meter": MILL_METER, "meters": "-"}
    result = await submit(hass, form, label="Mill 2", meter="later")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_reconfigure(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Label and time zone can be changed, to nothing that another home has."""
    attic = home_entry("Attic")
    await set_up(hass, attic, home_entry("Shed"))
    form = await attic.start_reconfigure_flow(hass)
    assert form["step_id"] == "reconfigure_home"
    assert suggested(form) == {"label": "Attic", "time_zone": "Europe/London"}

    form = await submit(hass, form, label="shed", time_zone=ZONE)
    assert form["errors"] == {"label": "duplicate_label"}
    assert placeholders(form)["other"] == "Shed"
    assert suggested(form) == {"label": "shed", "time_zone": ZONE}
    result = await submit(hass, form, label="ATTIC", time_zone=ZONE)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert attic.title == "ATTIC"
    assert attic.data == {
        "kind": "home",
        "home_id": "home-attic",
        "time_zone": ZONE,
    }
    assert attic.state is ConfigEntryState.LOADED
