"""The offer to import the past, in every form that adds a meter or a heating."""

from datetime import date, timedelta
from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.energy_homes.const import CONF_IMPORT_FROM, SUBENTRY_HEATING
from custom_components.energy_homes.models import HeatingSource, MeterSource
from tests.builders import (
    account_entry,
    efergy_revision,
    heating_source,
    heating_subentry,
    home_entry,
    meter_subentry,
    netatmo_account_entry,
    netatmo_account_id,
    netatmo_credential,
    set_up,
)
from tests.flows.helpers import (
    ELM_ACCOUNT,
    ELM_GRID,
    ELM_SOLAR,
    MILL_ACCOUNT,
    MILL_GRID,
    homes,
    import_homes,
    next_form,
    placeholders,
    read_texts,
    sources,
    start,
    start_change,
    start_meter,
    submit,
    submit_meter,
    suggested,
)
from tests.history.backfill_kit import imported_from
from tests.netatmo_control import NetatmoControl
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, SimulatorClient
from tests.virtual import VirtualTime

MILL_METER = f"{MILL_ACCOUNT}/{MILL_GRID}"
DAY = "2026-10-01"
TOMORROW = "2026-11-19"
REFUSED = {CONF_IMPORT_FROM: "import_in_future"}


def named_days(result: Any) -> tuple[str, str]:
    """Return the days that a refusal names: the one that was given, and the last one."""
    named = placeholders(result)
    return named["date"], named["today"]


async def test_account_meter_of_a_home(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """The vendor's first day is suggested in the home's zone, and asked for once."""
    home = home_entry("Mill")
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT), home)
    cloud.clear_calls()
    form = await submit_meter(hass, await start_meter(hass, home), meter=MILL_METER)
    assert suggested(form)[CONF_IMPORT_FROM] == "2026-09-19"
    assert "getFirstData" not in cloud.calls(MILL_TOKEN)

    form = await submit_meter(hass, form, role="grid", import_from=TOMORROW)
    assert form["errors"] == REFUSED
    assert named_days(form) == (TOMORROW, "2026-11-18")
    assert suggested(form)[CONF_IMPORT_FROM] == TOMORROW
    done = await submit_meter(hass, form, role="grid", import_from=DAY)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert sources(home)[0].import_from == date(2026, 10, 1)


async def test_offer_that_is_left_empty(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Nothing is stored then, as in entries from before there was an offer."""
    home = home_entry("Mill")
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT), home)
    form = await submit_meter(hass, await start_meter(hass, home), meter=MILL_METER)
    await submit_meter(hass, form, role="grid")
    (subentry,) = home.subentries.values()
    assert CONF_IMPORT_FROM not in subentry.data
    assert MeterSource.from_subentry(subentry).import_from is None


@pytest.mark.parametrize("fault", ["http_503", "garbage", "daily_limit"])
async def test_first_day_that_is_not_told(
    hass: HomeAssistant, cloud: SimulatorClient, fault: str
) -> None:
    """Where the vendor does not say it nothing is suggested; a day can be given."""
    home = home_entry("Mill")
    cloud.fault(fault, command="getFirstData")
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT), home)
    form = await submit_meter(hass, await start_meter(hass, home), meter=MILL_METER)
    assert CONF_IMPORT_FROM not in suggested(form)
    done = await submit_meter(hass, form, role="grid", import_from=DAY)
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_account_that_is_away(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Of an account that is not loaded nobody asks."""
    account = account_entry(MILL_TOKEN, MILL_ACCOUNT)
    await set_up(hass, account)
    (flow,) = hass.config_entries.flow.async_progress()
    await hass.config_entries.async_unload(account.entry_id)
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert CONF_IMPORT_FROM not in suggested(form)
    form = await submit(hass, form, home="Mill", role="grid", import_from=TOMORROW)
    assert form["errors"] == REFUSED


async def test_entity_of_a_home(
    hass: HomeAssistant, cloud: SimulatorClient, clamp: str
) -> None:
    """What is recorded of an entity is not known before it is chosen: no suggestion."""
    home = home_entry("Mill")
    await set_up(hass, home)
    form = await start_meter(hass, home)
    assert suggested(form) == {}
    form = await submit_meter(
        hass, form, entity=clamp, role="grid", import_from=TOMORROW
    )
    assert form["errors"] == REFUSED
    await submit_meter(hass, form, entity=clamp, role="grid", import_from=DAY)
    assert sources(home)[0].import_from == date(2026, 10, 1)


async def test_new_home_with_an_account_meter(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A new home's meter has the offer, and the form stays where the day is refused."""
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT))
    form = await submit(hass, await start(hass, "home"), label="Mill", meter=MILL_METER)
    form = await submit(hass, form, name="Main", role="grid", import_from=TOMORROW)
    assert form["step_id"] == "home_meter"
    assert form["errors"] == REFUSED
    assert suggested(form)["name"] == "Main"
    await submit(hass, form, name="Main", role="grid", import_from=DAY)
    assert sources(homes(hass)["Mill"])[0].import_from == date(2026, 10, 1)


async def test_new_home_with_an_entity(
    hass: HomeAssistant, cloud: SimulatorClient, clamp: str
) -> None:
    """So has an entity that is a new home's meter."""
    form = await submit(hass, await start(hass, "home"), label="Shed", meter="entity")
    form = await submit(hass, form, entity=clamp, role="grid", import_from=TOMORROW)
    assert form["errors"] == REFUSED
    await submit(hass, form, entity=clamp, role="grid", import_from=DAY)
    assert sources(homes(hass)["Shed"])[0].import_from == date(2026, 10, 1)


async def test_meters_that_are_assigned(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Both meters of an account have the offer; its first day is one call for both."""
    form = await submit(hass, await start(hass, "efergy"), token=ELM_TOKEN)
    form = await next_form(hass, form)
    assert suggested(form)[CONF_IMPORT_FROM] == "2026-09-18"
    form = await submit(hass, form, home="Elm", role="grid", import_from=TOMORROW)
    assert form["errors"] == REFUSED
    done = await submit(hass, form, home="Elm", role="grid", import_from=DAY)
    form = await next_form(hass, done)
    # Of a home that is there it is the day in its own zone.
    hass.config_entries.async_update_entry(
        homes(hass)["Elm"], data={**homes(hass)["Elm"].data, "time_zone": "Asia/Tokyo"}
    )
    await hass.async_block_till_done()
    form = await hass.config_entries.flow.async_configure(form["flow_id"])
    assert suggested(form)[CONF_IMPORT_FROM] == "2026-09-19"
    await submit(hass, form, home="Elm", role="generation")
    assert [source.import_from for source in sources(homes(hass)["Elm"])] == [
        date(2026, 10, 1),
        None,
    ]
    assert cloud.calls(ELM_TOKEN)["getFirstData"] == 1


async def test_replaced_meter_keeps_its_import(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """What was asked for when a meter was added is not lost when it is replaced."""
    meter = meter_subentry("m", efergy_revision(ELM_ACCOUNT, ELM_GRID))
    home = home_entry("Elm", imported_from(meter, date(2026, 11, 1)))
    await set_up(hass, account_entry(ELM_TOKEN, ELM_ACCOUNT), home)
    form = await start_change(hass, home, "replace")
    await submit_meter(
        hass, form, meter=f"{ELM_ACCOUNT}/{ELM_SOLAR}", since="2026-11-18"
    )
    (source,) = sources(home)
    assert len(source.revisions) == 2
    assert source.import_from == date(2026, 11, 1)


async def test_heating_of_a_home(
    hass: HomeAssistant, cloud: SimulatorClient, netatmo: NetatmoControl
) -> None:
    """A year is offered of a heating, when it is added to a home and when it is assigned."""
    await netatmo_credential(hass)
    attic = home_entry("Attic")
    account = netatmo_account_id(netatmo)
    await set_up(hass, netatmo_account_entry(netatmo), attic)
    form = await hass.config_entries.subentries.async_init(
        (attic.entry_id, SUBENTRY_HEATING), context={"source": SOURCE_USER}
    )
    assert suggested(form)[CONF_IMPORT_FROM] == "2025-11-18"
    choice = {"netatmo_home": f"{account}/{netatmo.home_id('Elm Street')}"}
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], {**choice, CONF_IMPORT_FROM: TOMORROW}
    )
    read_texts(SUBENTRY_HEATING, form)
    assert form["errors"] == REFUSED
    await hass.config_entries.subentries.async_configure(
        form["flow_id"], {**choice, CONF_IMPORT_FROM: DAY}
    )
    await hass.async_block_till_done()
    (subentry,) = attic.subentries.values()
    assert HeatingSource.from_subentry(subentry).import_from == date(2026, 10, 1)

    (flow,) = hass.config_entries.flow.async_progress()
    offer = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert suggested(offer)[CONF_IMPORT_FROM] == "2025-11-18"
    offer = await submit(hass, offer, home="Mill", import_from=TOMORROW)
    assert offer["errors"] == REFUSED
    await submit(hass, offer, home="Mill", import_from=DAY)
    (subentry,) = homes(hass)["Mill"].subentries.values()
    assert HeatingSource.from_subentry(subentry).import_from == date(2026, 10, 1)


@pytest.mark.heavy
async def test_heating_on_record_keeps_its_import(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """A room that is found later changes the record, and not what was asked for."""
    await netatmo_credential(hass)
    source = heating_source(netatmo, "Elm Street")
    subentry = heating_subentry(source)
    subentry["data"] = {**subentry["data"], "rooms": []}
    home = home_entry("Elm", imported_from(subentry, date(2026, 11, 1)))
    await set_up(hass, netatmo_account_entry(netatmo), home)
    await virtual.run(timedelta(minutes=3))
    (kept,) = map(HeatingSource.from_subentry, home.subentries.values())
    assert len(kept.rooms) == 4
    assert kept.import_from == date(2026, 11, 1)


async def test_homes_that_are_imported(
    hass: HomeAssistant, cloud: SimulatorClient, netatmo: NetatmoControl
) -> None:
    """A day for all of a home's new sources; one in the future fails the home alone."""
    await netatmo_credential(hass)
    await set_up(hass, home_entry("Attic"), netatmo_account_entry(netatmo))
    results = await import_homes(
        hass,
        {
            "label": "Mill Cottage",
            "efergy": {"token": MILL_TOKEN},
            "netatmo": {"account": netatmo_account_id(netatmo)},
            "import_from": DAY,
        },
        {
            "label": "Elm",
            "efergy": {"token": ELM_TOKEN, "sid": ELM_GRID},
            "import_from": f"{TOMORROW} 00:00:00",
        },
    )
    assert [one["result"] for one in results] == ["created", "failed"]
    assert results[1]["error"] == "import_in_future"
    assert TOMORROW in results[1]["message"]
    assert [
        subentry.data[CONF_IMPORT_FROM]
        for subentry in homes(hass)["Mill Cottage"].subentries.values()
    ] == [DAY, DAY]
