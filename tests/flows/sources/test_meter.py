"""Meters of a home: adding, editing, and other hardware from a day on."""

from datetime import UTC, datetime

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.energy_homes.metering.model import MeterRole
from custom_components.energy_homes.models import MeterSource
from tests.builders import (
    account_entry,
    efergy_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.flows.helpers import (
    ELM_ACCOUNT,
    ELM_GRID,
    ELM_SOLAR,
    MILL_ACCOUNT,
    MILL_GRID,
    POWER,
    choices,
    placeholders,
    sources,
    start_change,
    start_meter,
    state,
    submit_meter,
    suggested,
)
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, SimulatorClient

MILL_METER = f"{MILL_ACCOUNT}/{MILL_GRID}"
ELM_METER = f"{ELM_ACCOUNT}/{ELM_GRID}"


async def test_add_an_account_meter(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Meters that no home has are offered, with a name that the home has not yet."""
    home = home_entry(
        "Mill", meter_subentry("s", entity_revision("sensor.x"), name="Solar meter")
    )
    await set_up(hass, account_entry(ELM_TOKEN, ELM_ACCOUNT), home)
    form = await start_meter(hass, home)
    assert form["step_id"] == "user"
    assert choices(form, "meter") == ["entity", ELM_METER, f"{ELM_ACCOUNT}/{ELM_SOLAR}"]

    form = await submit_meter(hass, form, meter=f"{ELM_ACCOUNT}/{ELM_SOLAR}")
    assert suggested(form) == {
        "name": "Solar meter 2",
        "role": "generation",
        "import_from": "2026-09-19",
    }
    assert placeholders(form)["account"] == "Efergy"
    form = await submit_meter(hass, form, name="solar METER ", role="generation")
    assert form["errors"] == {"name": "duplicate_name"}
    assert placeholders(form)["home"] == "Mill"
    done = await submit_meter(hass, form, name="Roof", role="generation")
    assert done["type"] is FlowResultType.CREATE_ENTRY

    _, roof = sources(home)
    assert roof.name == "Roof"
    assert roof.role is MeterRole.GENERATION
    assert roof.revisions[0].hardware_id == ELM_SOLAR
    assert [s.unique_id for s in home.subentries.values()][1] == roof.source_id


async def test_add_an_entity(
    hass: HomeAssistant, cloud: SimulatorClient, clamp: str
) -> None:
    """An entity can be chosen also where an account has meters left."""
    home = home_entry("Mill")
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT), home)
    form = await submit_meter(hass, await start_meter(hass, home), meter="entity")

    form = await submit_meter(hass, form, entity="sensor.nowhere", role="grid")
    assert form["errors"] == {"entity": "unknown_entity"}
    done = await submit_meter(hass, form, entity=clamp, role="submeter")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert sources(home)[0].name == "Submeter"


async def test_entity_is_asked_for_at_once(
    recorder_mock: Recorder, hass: HomeAssistant, clamp: str
) -> None:
    """Without a free account meter there is nothing to choose from."""
    home = home_entry("Shed")
    await set_up(hass, home)
    form = await start_meter(hass, home)
    assert form["step_id"] == "entity"


async def test_meter_that_is_taken_meanwhile(
    hass: HomeAssistant, cloud: SimulatorClient, clamp: str
) -> None:
    """Two open forms cannot give one meter to two homes."""
    mill, shed = home_entry("Mill"), home_entry("Shed")
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT), mill, shed)
    chosen = await submit_meter(hass, await start_meter(hass, mill), meter=MILL_METER)
    waiting = await start_meter(hass, mill)
    first = await submit_meter(hass, await start_meter(hass, shed), meter=MILL_METER)
    await submit_meter(hass, first, role="grid")

    chosen = await submit_meter(hass, chosen, role="grid")
    assert chosen["errors"] == {"base": "hardware_used"}
    assert placeholders(chosen)["home"] == "Shed"
    waiting = await submit_meter(hass, waiting, meter=MILL_METER)
    assert waiting["errors"] == {"meter": "unknown_meter"}
    assert mill.subentries == {}
    form = await submit_meter(hass, waiting, meter="entity")
    done = await submit_meter(hass, form, entity=clamp, role="grid")
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_a_home_is_not_its_own_meter(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    clamp: str,
) -> None:
    """What a home shows cannot feed it, also not around another home."""
    shed = home_entry("Shed", meter_subentry("a", entity_revision(clamp)))
    await set_up(hass, shed)
    shed_power = entity_registry.async_get("sensor.shed_power")
    assert shed_power is not None
    barn = home_entry("Barn", meter_subentry("b", entity_revision(shed_power.id)))
    await set_up(hass, barn)
    form = await start_meter(hass, shed)

    for entity in ("sensor.shed_power", "sensor.barn_power"):
        form = await submit_meter(hass, form, entity=entity, role="submeter")
        assert form["errors"] == {"entity": "own_entity"}
        assert placeholders(form) == {"home": "Shed", "entity": entity}
    attic = home_entry("Attic")
    await set_up(hass, attic)
    done = await submit_meter(
        hass,
        await start_meter(hass, attic),
        entity="sensor.barn_power",
        role="submeter",
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_edit(recorder_mock: Recorder, hass: HomeAssistant, clamp: str) -> None:
    """Name and role change; what the meter reads and read does not."""
    home = home_entry("Shed", meter_subentry("s", entity_revision(clamp)))
    await set_up(hass, home)
    (before,) = sources(home)
    form = await start_change(hass, home, "edit")
    assert suggested(form) == {"name": "Electricity meter", "role": "grid"}

    done = await submit_meter(hass, form, name=" Heat pump ", role="submeter")
    assert done["reason"] == "reconfigure_successful"
    (after,) = sources(home)
    assert (after.name, after.role) == ("Heat pump", MeterRole.SUBMETER)
    assert (after.source_id, after.revisions) == (before.source_id, before.revisions)


async def test_edit_with_another_meters_name(
    recorder_mock: Recorder, hass: HomeAssistant, clamp: str
) -> None:
    """A name is refused that the home has; without one the role names the meter."""
    home = home_entry(
        "Shed",
        meter_subentry("s", entity_revision(clamp)),
    )
    await set_up(hass, home)
    form = await start_change(hass, home, "edit")
    hass.states.async_set("sensor.roof", "1", POWER)
    other = await start_meter(hass, home)
    await submit_meter(hass, other, entity="sensor.roof", name="Roof", role="grid")

    form = await submit_meter(hass, form, name="roof", role="grid")
    assert form["errors"] == {"name": "duplicate_name"}
    done = await submit_meter(hass, form, role="generation")
    assert done["reason"] == "reconfigure_successful"
    assert [source.name for source in sources(home)] == ["Solar meter", "Roof"]


@pytest.fixture
def summer(freezer: FrozenDateTimeFactory) -> None:
    """Begin late on a summer's evening, when it is the next day in Berlin."""
    freezer.move_to(datetime(2026, 7, 10, 22, 30, tzinfo=UTC))


@pytest.fixture
async def shed(
    recorder_mock: Recorder, hass: HomeAssistant, summer: None, clamp: str
) -> MeterSource:
    """Set up a home in Berlin with a meter that was replaced once."""
    home = home_entry(
        "Shed",
        meter_subentry(
            "s",
            entity_revision("sensor.first", datetime(2026, 3, 1, 12, tzinfo=UTC)),
            entity_revision("sensor.second", datetime(2026, 5, 1, 22, tzinfo=UTC)),
        ),
    )
    hass.states.async_set("sensor.second", "5", POWER)
    await set_up(hass, home)
    hass.config_entries.async_update_entry(
        home, data={**home.data, "time_zone": "Europe/Berlin"}
    )
    await hass.async_block_till_done()
    return sources(home)[0]


async def test_replace_with_an_entity(
    hass: HomeAssistant, shed: MeterSource, clamp: str
) -> None:
    """A day begins at the home's own midnight; what was before stays as it was."""
    (home,) = hass.config_entries.async_entries("energy_homes")
    form = await start_change(hass, home, "replace")
    assert choices(form, "meter") == ["entity"]
    assert form["data_schema"] is not None
    since = next(field for field in form["data_schema"].schema if field == "since")
    assert since.default() == "2026-07-11"

    done = await submit_meter(hass, form, entity=clamp)
    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == "replaced"
    (after,) = sources(home)
    assert after.revisions[:2] == shed.revisions
    assert after.revisions[2] == entity_revision(
        clamp, datetime(2026, 7, 10, 22, tzinfo=UTC)
    )
    assert (after.source_id, after.name, after.role) == (
        shed.source_id,
        shed.name,
        shed.role,
    )


async def test_refused_replacement_goes_on(
    hass: HomeAssistant, shed: MeterSource, clamp: str
) -> None:
    """Days that are taken or too early, and hardware that is none, unknown or used."""
    hass.states.async_set("sensor.other", "5", POWER)
    await set_up(
        hass, home_entry("Barn", meter_subentry("b", entity_revision("sensor.other")))
    )
    home, _ = hass.config_entries.async_entries("energy_homes")
    form = await start_change(hass, home, "replace")
    entity = {"meter": "entity", "entity": clamp}

    for since, error in (
        ("2026-03-01", "date_taken"),
        ("2026-05-02", "date_taken"),
        ("2026-02-28", "date_too_early"),
    ):
        form = await submit_meter(hass, form, **entity, since=since)
        assert form["errors"] == {"since": error}
    assert placeholders(form) == {
        "home": "Shed",
        "meter": "Electricity meter",
        "date": "2026-02-28",
        "first": "2026-03-01",
    }
    on_a_day = {"meter": "entity", "since": "2026-07-01"}
    for fields, error in (
        ({}, "entity_needed"),
        ({"entity": "sensor.nowhere"}, "unknown_entity"),
        ({"entity": "sensor.second"}, "hardware_used"),
        ({"entity": "sensor.other"}, "hardware_used"),
        ({"entity": "sensor.shed_power"}, "own_entity"),
    ):
        form = await submit_meter(hass, form, **fields, **on_a_day)
        assert form["errors"] == {"entity": error}
    assert sources(home) == [shed]

    done = await submit_meter(hass, form, entity=clamp, **on_a_day)
    assert done["reason"] == "replaced"
    assert len(sources(home)[0].revisions) == 3


async def test_replace_with_another_kind(
    hass: HomeAssistant, cloud: SimulatorClient, clamp: str
) -> None:
    """An account's meter may follow an entity, another one the account's, and back."""
    account = account_entry(ELM_TOKEN, ELM_ACCOUNT)
    home = home_entry(
        "Elm", meter_subentry("s", efergy_revision(ELM_ACCOUNT, ELM_SOLAR))
    )
    await set_up(hass, account, home)
    form = await start_change(hass, home, "replace")
    assert choices(form, "meter") == ["entity", ELM_METER]
    await submit_meter(hass, form, meter=ELM_METER, since="2026-11-10")
    form = await start_change(hass, home, "replace")
    assert choices(form, "meter") == ["entity", f"{ELM_ACCOUNT}/{ELM_SOLAR}"]
    await submit_meter(hass, form, meter="entity", entity=clamp, since="2026-11-18")
    form = await start_change(hass, home, "replace")
    await submit_meter(hass, form, meter=ELM_METER, since="2026-11-19")

    (source,) = sources(home)
    assert [(r.hardware_id, r.entity) for r in source.revisions] == [
        (ELM_SOLAR, None),
        (ELM_GRID, None),
        (None, clamp),
        (ELM_GRID, None),
    ]
    assert state(hass, "sensor.elm_power") == "230.0"


async def test_hardware_that_is_promised_is_not_free(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A meter that a home is to read from tomorrow on cannot go to another home."""
    elm = home_entry(
        "Elm", meter_subentry("s", efergy_revision(ELM_ACCOUNT, ELM_SOLAR))
    )
    mill = home_entry("Mill")
    await set_up(hass, account_entry(ELM_TOKEN, ELM_ACCOUNT), elm, mill)
    form = await start_change(hass, elm, "replace")
    waiting = await start_change(hass, elm, "replace")
    await submit_meter(hass, form, meter=ELM_METER, since="2026-11-19")

    assert (await start_meter(hass, mill))["step_id"] == "entity"
    waiting = await submit_meter(hass, waiting, meter=ELM_METER, since="2026-11-20")
    assert waiting["errors"] == {"meter": "unknown_meter"}
