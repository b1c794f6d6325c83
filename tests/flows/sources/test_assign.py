"""Which home does this meter belong to?"""

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.flows.sources.metering import hardware_revision
from custom_components.energy_homes.flows.sources.part import add_part
from custom_components.energy_homes.metering.model import MeterRole
from custom_components.energy_homes.models import MeterSource
from tests.builders import account_entry, home_entry, set_up
from tests.flows.helpers import (
    ELM_ACCOUNT,
    ELM_GRID,
    ELM_SOLAR,
    MILL_ACCOUNT,
    MILL_GRID,
    TERRACE_ACCOUNT,
    choices,
    discovered,
    homes,
    next_form,
    placeholders,
    sources,
    start,
    submit,
    suggested,
)
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, TERRACE_TOKEN, SimulatorClient


async def test_grid_and_solar_of_one_account(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """An account's meters ask one after the other; the first makes the home."""
    account = await submit(hass, await start(hass, "efergy"), token=ELM_TOKEN)
    form = await next_form(hass, account)
    watts = cloud.published(ELM_GRID)[-1][1]
    assert placeholders(form) == {
        "meter": f"Efergy {ELM_GRID}",
        "account": "Efergy e1a5",
        "role": "What comes from the grid",
        "power": f"{watts} W",
        "homes": "-",
    }
    assert suggested(form) == {
        "role": "grid",
        "name": "Electricity meter",
        "import_from": "2026-09-18",
    }

    created = await submit(
        hass, form, home=" Elm Street ", name="Electricity meter", role="grid"
    )
    assert created["type"] is FlowResultType.CREATE_ENTRY
    home = created["result"]
    assert home.title == "Elm Street"
    assert home.data["time_zone"] == hass.config.time_zone
    assert home.unique_id == home.data["home_id"]
    assert home.state is ConfigEntryState.LOADED

    form = await next_form(hass, created)
    assert choices(form, "home") == ["Elm Street"]
    assert suggested(form) == {
        "home": "Elm Street",
        "role": "generation",
        "name": "Solar meter",
        "import_from": "2026-09-18",
    }
    done = await submit(hass, form, home="elm street", role="generation")
    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == "assigned"
    assert placeholders(done) == {
        "meter": "Solar meter",
        "home": "Elm Street",
    }
    assert "next_flow" not in done
    grid, solar = sources(home)
    assert (grid.role, grid.revisions[0].hardware_id) == (MeterRole.GRID, ELM_GRID)
    assert (solar.role, solar.revisions[0].hardware_id) == (
        MeterRole.GENERATION,
        ELM_SOLAR,
    )
    assert solar.revisions[0].account == ELM_ACCOUNT
    assert solar.revisions[0].since == dt_util.utcnow()
    assert discovered(hass) == []
    assert list(homes(hass)) == ["Elm Street"]


async def test_one_account_for_two_homes(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A second grid meter suggests no home; it follows the first into an existing one."""
    await set_up(hass, home_entry("Attic"))
    account = await submit(hass, await start(hass, "efergy"), token=TERRACE_TOKEN)
    form = await next_form(hass, account)

    done = await submit(hass, form, home="Attic", role="grid")
    assert done["reason"] == "assigned"
    form = await next_form(hass, done)
    assert suggested(form) == {
        "role": "grid",
        "name": "Electricity meter",
        "import_from": "2026-09-18",
    }
    created = await submit(hass, form, home="Cellar", role="submeter")
    assert created["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in created
    (source,) = sources(homes(hass)["Cellar"])
    assert source.name == "Submeter"
    assert source.role is MeterRole.SUBMETER
    assert source.revisions[0].account == TERRACE_ACCOUNT


async def test_refused_assignment_goes_on(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """No label, a label that two homes have, a name that the home has already."""
    attic = home_entry("Attic")
    await set_up(hass, attic, home_entry("Shed", home_id="1"))
    add_part(
        hass,
        attic,
        MeterSource(
            source_id="s",
            name="Main",
            role=MeterRole.GRID,
            revisions=(hardware_revision(hass, ("efergy_x", "1"), dt_util.utcnow()),),
        ),
    )
    await set_up(
        hass,
        home_entry("shed", home_id="2"),
        account_entry(MILL_TOKEN, MILL_ACCOUNT),
    )
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])

    form = await submit(hass, form, home="  ", role="grid")
    assert form["errors"] == {"home": "label_needed"}
    form = await submit(hass, form, home="SHED", role="grid")
    assert form["errors"] == {"home": "ambiguous_home"}
    form = await submit(hass, form, home="Attic", name="main ", role="grid")
    assert form["errors"] == {"name": "duplicate_name"}
    assert placeholders(form)["home"] == "Attic"
    assert suggested(form) == {"home": "Attic", "name": "main ", "role": "grid"}
    assert len(attic.subentries) == 1

    done = await submit(hass, form, home="attic ", name="Second", role="grid")
    assert done["reason"] == "assigned"
    assert [source.name for source in sources(attic)] == ["Main", "Second"]


async def test_meter_that_was_assigned_meanwhile(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A discovered item goes when its meter gets a home by another way."""
    attic = home_entry("Attic")
    await set_up(hass, attic, account_entry(MILL_TOKEN, MILL_ACCOUNT))
    assert discovered(hass) == [f"{MILL_ACCOUNT}_{MILL_GRID}"]

    source = MeterSource(
        source_id="s",
        name="Main",
        role=MeterRole.GRID,
        revisions=(
            hardware_revision(hass, (MILL_ACCOUNT, MILL_GRID), dt_util.utcnow()),
        ),
    )
    add_part(hass, attic, source)
    await hass.async_block_till_done()
    assert discovered(hass) == []


async def test_meter_with_a_home_is_not_asked_for(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A discovery of a meter that has a home says whose it is."""
    attic = home_entry("Attic")
    await set_up(hass, attic)
    add_part(
        hass,
        attic,
        MeterSource(
            source_id="s",
            name="Main",
            role=MeterRole.GRID,
            revisions=(hardware_revision(hass, ("efergy_x", "1"), dt_util.utcnow()),),
        ),
    )
    await hass.async_block_till_done()
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": "integration_discovery"},
        data={
            "account": "efergy_x",
            "hardware": "1",
            "name": "Efergy 1",
            "role": "grid",
            "power": None,
        },
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_assigned"
    assert placeholders(result) == {"meter": "Efergy 1", "home": "Attic"}


async def test_ignored_meter_stays_ignored(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """An ignored meter is neither asked for nor discovered again."""
    unique_id = f"{MILL_ACCOUNT}_{MILL_GRID}"
    account = account_entry(MILL_TOKEN, MILL_ACCOUNT)
    await set_up(hass, account)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["title_placeholders"] == {
        "name": f"Efergy {MILL_GRID} (Efergy)"
    }
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": unique_id, "title": "Efergy"},
    )
    await hass.async_block_till_done()
    assert discovered(hass) == []

    await hass.config_entries.async_remove(account.entry_id)
    await hass.async_block_till_done()
    result = await submit(hass, await start(hass, "efergy"), token=MILL_TOKEN)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result
    assert discovered(hass) == []


async def test_meter_of_an_account_that_is_not_loaded(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Without its account an item shows what was known when the meter was found."""
    await set_up(hass, home_entry("Attic"))
    form = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": "integration_discovery"},
        data={
            "account": "efergy_x",
            "hardware": "1",
            "name": "Efergy 1",
            "role": "generation",
            "power": 41.7,
        },
    )
    assert placeholders(form)["power"] == "42 W"
    assert placeholders(form)["account"] == "efergy_x"
