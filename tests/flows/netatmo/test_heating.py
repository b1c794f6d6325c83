"""Which home does a Netatmo home heat; and adding, renaming and replacing a home's heating."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.clouds.netatmo.models import HomeTopology
from custom_components.energy_homes.const import DOMAIN, SUBENTRY_HEATING
from custom_components.energy_homes.models import HeatingSource
from simulator.scenario import NETATMO_ODD_USER, NETATMO_USER
from tests.builders import (
    entity_revision,
    heating_source,
    heating_subentry,
    home_entry,
    meter_subentry,
    netatmo_account_entry,
    netatmo_account_id,
    netatmo_credential,
    netatmo_revision,
    room_key,
    set_up,
)
from tests.flows.helpers import (
    choices,
    discovered,
    homes,
    next_form,
    placeholders,
    read_texts,
    start,
    submit,
    suggested,
)
from tests.netatmo_control import NetatmoControl
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

from .signing_in import SigningIn

ELM = "Elm Street"
MILL = "Mill Cottage"
ELM_ROOMS = ["Living room", "Kitchen", "Bedroom", "Office"]
SWAP_USER = "swap@example.com"


@pytest.fixture
async def ready(
    hass: HomeAssistant, cloud: SimulatorClient, netatmo: NetatmoControl
) -> NetatmoControl:
    """Return the vendor's cloud to a Home Assistant that has an application."""
    await netatmo_credential(hass)
    return netatmo


@pytest.fixture
async def account(hass: HomeAssistant, ready: NetatmoControl) -> MockConfigEntry:
    """Return an account with two heated homes that nobody has assigned."""
    entry = netatmo_account_entry(ready)
    await set_up(hass, entry)
    return entry


@pytest.fixture
async def elm(hass: HomeAssistant, ready: NetatmoControl) -> MockConfigEntry:
    """Return a home whose heating is Elm Street, in a Home Assistant with the account."""
    home = home_entry("Elm", heating_subentry(heating_source(ready, ELM)))
    await set_up(hass, netatmo_account_entry(ready), home)
    return home


def heatings(home: ConfigEntry) -> list[HeatingSource]:
    """Return the heatings of a home."""
    return [
        HeatingSource.from_subentry(subentry)
        for subentry in home.get_subentries_of_type(SUBENTRY_HEATING)
    ]


def item(netatmo: NetatmoControl, home: str, user: str = NETATMO_USER) -> str:
    """Return the id of a Netatmo home's discovered item."""
    return f"{netatmo_account_id(netatmo, user)}_{netatmo.home_id(home)}"


def choice(netatmo: NetatmoControl, home: str, user: str = NETATMO_USER) -> str:
    """Return the value that stands for a Netatmo home in a choice."""
    return f"{netatmo_account_id(netatmo, user)}/{netatmo.home_id(home)}"


async def offered(hass: HomeAssistant, unique_id: str) -> ConfigFlowResult:
    """Open a discovered item."""
    (flow,) = hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"unique_id": unique_id}
    )
    return await hass.config_entries.flow.async_configure(flow["flow_id"])


async def discover(hass: HomeAssistant, topology: HomeTopology) -> ConfigFlowResult:
    """Discover a Netatmo home of an account that is not there."""
    return await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_INTEGRATION_DISCOVERY},
        data={
            "account": "netatmo_x",
            "hardware": topology.home_id,
            "topology": topology,
        },
    )


async def start_heating(hass: HomeAssistant, home: ConfigEntry) -> SubentryFlowResult:
    """Start to add a Netatmo home to a home."""
    result = await hass.config_entries.subentries.async_init(
        (home.entry_id, SUBENTRY_HEATING), context={"source": SOURCE_USER}
    )
    read_texts(SUBENTRY_HEATING, result)
    return result


async def start_heating_change(
    hass: HomeAssistant, home: ConfigEntry, step: str
) -> SubentryFlowResult:
    """Start to change a home's first heating, and choose an item of the menu."""
    subentry = home.get_subentries_of_type(SUBENTRY_HEATING)[0]
    menu = await hass.config_entries.subentries.async_init(
        (home.entry_id, SUBENTRY_HEATING),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["edit", "replace"]
    read_texts(SUBENTRY_HEATING, menu)
    result = await hass.config_entries.subentries.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )
    read_texts(SUBENTRY_HEATING, result)
    return result


async def submit_heating(
    hass: HomeAssistant, form: SubentryFlowResult, **fields: Any
) -> SubentryFlowResult:
    """Fill in a form of a heating."""
    assert form["type"] is FlowResultType.FORM
    result = await hass.config_entries.subentries.async_configure(
        form["flow_id"], fields
    )
    read_texts(SUBENTRY_HEATING, result)
    await hass.async_block_till_done()
    return result


def swap(netatmo: NetatmoControl, *rooms: str, home: str = "New Elm") -> None:
    """Add an account with a home that is to take Elm Street's place."""
    modules = {"Living room": ["NATherm1"], "Lounge": ["NATherm1"]}
    netatmo.add_account(
        SWAP_USER,
        "swap-refresh-token",
        [
            {
                "name": home,
                "rooms": [
                    {"name": room, "modules": modules.get(room, ["NRV"])}
                    for room in rooms
                ],
                "history_days": 1,
            }
        ],
    )


# Assigning


@pytest.mark.usefixtures("current_request_with_host")
async def test_two_homes_of_one_account(
    hass: HomeAssistant,
    ready: NetatmoControl,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """An account's homes ask one after the other, one for a new home, one for an old one."""
    await set_up(hass, home_entry("Attic"), home_entry("mill cottage"))
    browser = SigningIn(hass, ready, hass_client_no_auth)
    result = await browser.sign_in(await start(hass, "netatmo"))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    form = await next_form(hass, result)
    account = netatmo_account_id(ready)
    assert placeholders(form) == {
        "netatmo_home": ELM,
        "account": f"Netatmo {account[-4:]}",
        "rooms": "Living room, Kitchen, Bedroom, Office",
        "homes": "Attic, mill cottage",
    }
    assert suggested(form) == {"name": "Heating", "import_from": "2025-11-18"}
    created = await submit(hass, form, home="Elm", name="Heating")
    assert created["type"] is FlowResultType.CREATE_ENTRY

    form = await next_form(hass, created)
    assert placeholders(form)["netatmo_home"] == MILL
    assert choices(form, "home") == ["Attic", "Elm", "mill cottage"]
    assert suggested(form) == {
        "name": "Heating",
        "home": "mill cottage",
        "import_from": "2025-11-18",
    }
    done = await submit(hass, form, home=" MILL cottage", name="Heating")
    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == "assigned"
    assert placeholders(done) == {"meter": "Heating", "home": "mill cottage"}
    assert "next_flow" not in done
    assert discovered(hass) == []

    elm, mill = homes(hass)["Elm"], homes(hass)["mill cottage"]
    assert elm.state is mill.state is ConfigEntryState.LOADED
    (source,) = heatings(elm)
    assert source.name == "Heating"
    assert source.revisions == (
        netatmo_revision(account, ready.home_id(ELM), dt_util.utcnow()),
    )
    assert [room.name for room in source.rooms] == ELM_ROOMS
    assert [module.kind for module in source.modules] == [
        "NAPlug",
        "NATherm1",
        "NRV",
        "NRV",
        "NRV",
    ]
    assert [s.unique_id for s in elm.subentries.values()] == [source.source_id]
    (mills,) = heatings(mill)
    assert mills.revisions[0].hardware_id == ready.home_id(MILL)


@pytest.mark.parametrize(
    ("labels", "home"),
    [
        ([], ELM),
        (["Attic"], "Attic"),
        (["ELM street", "Attic"], "ELM street"),
        (["Attic", "Barn"], None),
        (["Elm Street", "elm street"], None),
    ],
)
async def test_suggested_home(
    hass: HomeAssistant, ready: NetatmoControl, labels: list[str], home: str | None
) -> None:
    """The home of that name, else the only one without heating, else a new one."""
    await set_up(
        hass,
        *(home_entry(label, home_id=label) for label in labels),
        netatmo_account_entry(ready),
    )
    form = await offered(hass, item(ready, ELM))
    assert suggested(form).get("home") == home
    assert suggested(form)["name"] == "Heating"


async def test_heated_homes_are_not_suggested(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """Where every home is heated the new one is called as Netatmo calls it."""
    attic = home_entry("Attic", heating_subentry(heating_source(ready, ELM)))
    await set_up(hass, attic, netatmo_account_entry(ready))
    assert discovered(hass) == [item(ready, MILL)]
    form = await offered(hass, item(ready, MILL))
    assert suggested(form) == {
        "home": MILL,
        "name": "Heating",
        "import_from": "2025-11-18",
    }

    done = await submit(hass, form, home="Attic")
    assert done["reason"] == "assigned"
    assert [source.name for source in heatings(attic)] == ["Heating", "Heating 2"]


async def test_refused_assignment_goes_on(
    hass: HomeAssistant, account: MockConfigEntry, ready: NetatmoControl
) -> None:
    """No label, a label that two homes have, a name that the home has already."""
    hass.states.async_set("sensor.x", "1")
    attic = home_entry(
        "Attic", meter_subentry("m", entity_revision("sensor.x"), name="Heating")
    )
    await set_up(
        hass, attic, home_entry("Shed", home_id="1"), home_entry("shed", home_id="2")
    )
    form = await offered(hass, item(ready, ELM))
    form = await submit(hass, form, home=" ")
    assert form["errors"] == {"home": "label_needed"}
    form = await submit(hass, form, home="SHED")
    assert form["errors"] == {"home": "ambiguous_home"}
    form = await submit(hass, form, home="Attic", name="heating ")
    assert form["errors"] == {"name": "duplicate_heating"}
    assert suggested(form) == {"home": "Attic", "name": "heating "}
    assert heatings(attic) == []

    done = await submit(hass, form, home="attic")
    assert done["reason"] == "assigned"
    assert [source.name for source in heatings(attic)] == ["Heating 2"]


async def test_home_that_was_assigned_meanwhile(
    hass: HomeAssistant, account: MockConfigEntry, ready: NetatmoControl
) -> None:
    """An item goes when its Netatmo home gets a home by another way, or says whose it is."""
    attic = home_entry("Attic")
    await set_up(hass, attic)
    assert discovered(hass) == sorted([item(ready, ELM), item(ready, MILL)])
    form = await start_heating(hass, attic)
    await submit_heating(hass, form, netatmo_home=choice(ready, ELM))
    assert discovered(hass) == [item(ready, MILL)]

    hub = account.runtime_data
    again = await discover(hass, hub.homes[ready.home_id(ELM)])
    assert again["type"] is FlowResultType.ABORT
    assert again["reason"] == "already_assigned"
    assert placeholders(again) == {"meter": ELM, "home": "Attic"}


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Asia/Tokyo", "Asia/Tokyo"),
        ("Mars/Base", "US/Pacific"),
        (None, "US/Pacific"),
    ],
)
async def test_new_home_has_the_time_zone_of_its_netatmo_home(
    hass: HomeAssistant,
    account: MockConfigEntry,
    ready: NetatmoControl,
    told: str | None,
    zone: str,
) -> None:
    """A home made for a Netatmo home is where that says, where it says so."""
    topology = account.runtime_data.homes[ready.home_id(ELM)]
    form = await discover(hass, replace(topology, time_zone=told))
    assert placeholders(form)["account"] == "netatmo_x"
    created = await submit(hass, form, home="Elm")
    assert created["result"].data["time_zone"] == zone


async def test_ignored_home_stays_ignored(
    hass: HomeAssistant, account: MockConfigEntry, ready: NetatmoControl
) -> None:
    """What somebody does not want to hear of is not offered again."""
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": item(ready, ELM), "title": "Elm"},
    )
    await hass.async_block_till_done()
    assert discovered(hass) == [item(ready, MILL)]
    await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    assert discovered(hass) == [item(ready, MILL)]


async def test_only_homes_that_heat_are_offered(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """A home with a camera or with nothing at all is none of our business."""
    await set_up(hass, netatmo_account_entry(ready, NETATMO_ODD_USER))
    assert discovered(hass) == sorted(
        item(ready, home, NETATMO_ODD_USER) for home in ("Manor", "Studio")
    )
    (flow,) = hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"unique_id": item(ready, "Manor", NETATMO_ODD_USER)}
    )
    account = netatmo_account_id(ready, NETATMO_ODD_USER)
    assert flow["context"]["title_placeholders"] == {
        "name": f"Manor (Netatmo {account[-4:]})"
    }


async def test_home_that_two_accounts_share(
    hass: HomeAssistant, ready: NetatmoControl, elm: MockConfigEntry
) -> None:
    """A Netatmo home is in one home of ours, whoever else sees it."""
    other = netatmo_account_entry(ready)
    await set_up(
        hass,
        MockConfigEntry(
            domain=DOMAIN, title="Other", unique_id="netatmo_other", data=other.data
        ),
    )
    mill = ready.home_id(MILL)
    items = sorted([item(ready, MILL), f"netatmo_other_{mill}"])
    assert discovered(hass) == items
    attic = home_entry("Attic")
    await set_up(hass, attic)
    form = await start_heating(hass, attic)
    assert sorted(choices(form, "netatmo_home")) == sorted(
        [choice(ready, MILL), f"netatmo_other/{mill}"]
    )
    await submit_heating(hass, form, netatmo_home=f"netatmo_other/{mill}")
    assert discovered(hass) == []

    # The account that sees it may change.
    form = await start_heating_change(hass, elm, "replace")
    shared = f"netatmo_other/{ready.home_id(ELM)}"
    assert choices(form, "netatmo_home") == [shared]
    (before,) = heatings(elm)
    done = await submit_heating(hass, form, netatmo_home=shared, since="2026-11-18")
    assert done["reason"] == "replaced"
    (after,) = heatings(elm)
    assert [r.account for r in after.revisions] == [
        netatmo_account_id(ready),
        "netatmo_other",
    ]
    assert (after.rooms, after.modules) == (before.rooms, before.modules)


# A home's own flow


async def test_add_a_heating(
    hass: HomeAssistant, account: MockConfigEntry, ready: NetatmoControl
) -> None:
    """A home takes a Netatmo home that is free, under a name that is."""
    attic = home_entry("Attic")
    await set_up(hass, attic)
    form = await start_heating(hass, attic)
    assert choices(form, "netatmo_home") == [choice(ready, ELM), choice(ready, MILL)]
    assert suggested(form) == {"name": "Heating", "import_from": "2025-11-18"}
    done = await submit_heating(
        hass, form, netatmo_home=choice(ready, ELM), name=" Ground floor "
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY

    form = await start_heating(hass, attic)
    assert choices(form, "netatmo_home") == [choice(ready, MILL)]
    form = await submit_heating(
        hass, form, netatmo_home=choice(ready, MILL), name="ground floor"
    )
    assert form["errors"] == {"name": "duplicate_heating"}
    await submit_heating(hass, form, netatmo_home=choice(ready, MILL))
    assert [source.name for source in heatings(attic)] == ["Ground floor", "Heating"]
    none = await start_heating(hass, attic)
    assert none["type"] is FlowResultType.ABORT
    assert none["reason"] == "no_free_home"


async def test_home_that_is_taken_while_a_form_is_open(
    hass: HomeAssistant, account: MockConfigEntry, ready: NetatmoControl
) -> None:
    """Two open forms cannot give one Netatmo home to two homes."""
    attic, barn = home_entry("Attic"), home_entry("Barn")
    await set_up(hass, attic, barn)
    first, second = await start_heating(hass, attic), await start_heating(hass, barn)
    await submit_heating(hass, first, netatmo_home=choice(ready, ELM))
    form = await submit_heating(hass, second, netatmo_home=choice(ready, ELM))
    assert form["errors"] == {"netatmo_home": "unknown_netatmo_home"}
    assert MILL in placeholders(form)["homes"]

    third = await start_heating(hass, attic)
    await submit_heating(hass, form, netatmo_home=choice(ready, MILL))
    done = await submit_heating(hass, third, netatmo_home=choice(ready, MILL))
    assert done["reason"] == "no_free_home"


async def test_rename(
    hass: HomeAssistant, elm: MockConfigEntry, ready: NetatmoControl
) -> None:
    """A heating gets another name, and nothing else changes."""
    (before,) = heatings(elm)
    await submit_heating(
        hass, await start_heating(hass, elm), netatmo_home=choice(ready, MILL)
    )
    form = await start_heating_change(hass, elm, "edit")
    assert suggested(form) == {"name": "Heating"}
    form = await submit_heating(hass, form, name="HEATING 2")
    assert form["errors"] == {"name": "duplicate_heating"}
    done = await submit_heating(hass, form, name=" Upstairs")
    assert done["reason"] == "reconfigure_successful"
    assert heatings(elm)[0] == replace(before, name="Upstairs")
    await submit_heating(hass, await start_heating_change(hass, elm, "edit"))
    assert heatings(elm)[0] == before


# Another Netatmo home


async def test_relay_swap_where_rooms_keep_their_names(
    hass: HomeAssistant,
    ready: NetatmoControl,
    elm: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Rooms are found by their names in another account's home; all entities stay."""
    swap(ready, "OFFICE", "Kitchen", "Bedroom ", "Living room")
    await set_up(hass, netatmo_account_entry(ready, SWAP_USER))
    (before,) = heatings(elm)
    entities = set(entity_registry.entities)
    devices = {
        device.id
        for device in dr.async_entries_for_config_entry(device_registry, elm.entry_id)
    }

    form = await start_heating_change(hass, elm, "replace")
    assert choices(form, "netatmo_home") == [
        choice(ready, MILL),
        choice(ready, "New Elm", SWAP_USER),
    ]
    done = await submit_heating(
        hass, form, netatmo_home=choice(ready, "New Elm", SWAP_USER)
    )
    assert done["type"] is FlowResultType.ABORT
    assert done["reason"] == "replaced"

    (after,) = heatings(elm)
    rooms = ready.rooms("New Elm")
    assert after.revisions == (
        *before.revisions,
        netatmo_revision(
            netatmo_account_id(ready, SWAP_USER),
            ready.home_id("New Elm"),
            datetime(2026, 11, 18, tzinfo=UTC),
        ),
    )
    assert {room.room_id: room.hardware_id for room in after.rooms} == {
        room_key(after.source_id, "Living room"): rooms["Living room"],
        room_key(after.source_id, "Kitchen"): rooms["Kitchen"],
        room_key(after.source_id, "Bedroom"): rooms["Bedroom "],
        room_key(after.source_id, "Office"): rooms["OFFICE"],
    }
    assert [m.module_id for m in after.modules] == [m.module_id for m in before.modules]
    assert not any(room.gone for room in after.rooms)
    assert not any(module.gone for module in after.modules)
    assert elm.state is ConfigEntryState.LOADED
    assert entities <= set(entity_registry.entities)
    assert devices == {
        device.id
        for device in dr.async_entries_for_config_entry(device_registry, elm.entry_id)
    }


async def test_relay_swap_that_has_to_ask(
    hass: HomeAssistant, ready: NetatmoControl, elm: MockConfigEntry
) -> None:
    """Each room that has no namesake is asked about; one can have gone."""
    swap(ready, "Lounge", "Kitchen", "Attic", "Study")
    await set_up(hass, netatmo_account_entry(ready, SWAP_USER))
    rooms = ready.rooms("New Elm")
    form = await start_heating_change(hass, elm, "replace")
    form = await submit_heating(
        hass, form, netatmo_home=choice(ready, "New Elm", SWAP_USER)
    )
    assert form["step_id"] == "match_room"
    assert placeholders(form) == {
        "home": "Elm",
        "heating": "Heating",
        "netatmo_home": "New Elm",
        "room": "Living room",
    }
    assert choices(form, "room") == [
        rooms["Lounge"],
        rooms["Attic"],
        rooms["Study"],
        "none",
    ]
    form = await submit_heating(hass, form, room=rooms["Lounge"])
    assert placeholders(form)["room"] == "Bedroom"
    form = await submit_heating(hass, form, room="none")
    assert placeholders(form)["room"] == "Office"
    assert choices(form, "room") == [rooms["Attic"], rooms["Study"], "none"]
    done = await submit_heating(hass, form, room=rooms["Study"])
    assert done["reason"] == "replaced"

    (after,) = heatings(elm)
    known = [(room.name, room.hardware_id, room.gone) for room in after.rooms]
    assert known == [
        ("Lounge", rooms["Lounge"], False),
        ("Kitchen", rooms["Kitchen"], False),
        ("Bedroom", ready.room_id(ELM, "Bedroom"), True),
        ("Study", rooms["Study"], False),
        ("Attic", rooms["Attic"], False),
    ]
    assert [room.room_id for room in after.rooms[:4]] == [
        room_key(after.source_id, room) for room in ELM_ROOMS
    ]
    assert elm.state is ConfigEntryState.LOADED


async def test_relay_swap_that_is_still_to_come(
    hass: HomeAssistant,
    ready: NetatmoControl,
    elm: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """Until its day the old home goes on; then rooms are those that somebody said."""
    swap(ready, "Lounge", "Kitchen", "Bedroom", "Office")
    await set_up(hass, netatmo_account_entry(ready, SWAP_USER))
    (before,) = heatings(elm)
    rooms = ready.rooms("New Elm")
    form = await start_heating_change(hass, elm, "replace")
    form = await submit_heating(
        hass,
        form,
        netatmo_home=choice(ready, "New Elm", SWAP_USER),
        since="2026-11-19",
    )
    await submit_heating(hass, form, room=rooms["Lounge"])

    (planned,) = heatings(elm)
    assert [room.hardware_id for room in planned.rooms] == [
        room.hardware_id for room in before.rooms
    ]
    assert planned.rooms[0].planned == (rooms["Lounge"],)
    assert planned.modules == before.modules
    assert (await start_heating_change(hass, elm, "replace"))["type"] is (
        FlowResultType.FORM
    )
    await virtual.run(timedelta(minutes=5))
    assert heatings(elm) == [planned]

    await virtual.move_to(datetime(2026, 11, 19, 0, 0, 1, tzinfo=UTC))
    await virtual.run(timedelta(minutes=5))
    (after,) = heatings(elm)
    assert {room.room_id: room.hardware_id for room in after.rooms} == {
        room_key(after.source_id, "Living room"): rooms["Lounge"],
        room_key(after.source_id, "Kitchen"): rooms["Kitchen"],
        room_key(after.source_id, "Bedroom"): rooms["Bedroom"],
        room_key(after.source_id, "Office"): rooms["Office"],
    }
    assert [m.module_id for m in after.modules] == [m.module_id for m in before.modules]


async def test_home_that_is_promised_is_not_free(
    hass: HomeAssistant, ready: NetatmoControl, elm: MockConfigEntry
) -> None:
    """A Netatmo home that a home is to have from tomorrow on cannot go to another."""
    attic = home_entry("Attic")
    await set_up(hass, attic)
    form = await start_heating_change(hass, elm, "replace")
    form = await submit_heating(
        hass, form, netatmo_home=choice(ready, MILL), since="2026-11-19"
    )
    for _ in ("Living room", "Kitchen", "Office"):
        form = await submit_heating(hass, form, room="none")
    assert form["reason"] == "replaced"
    assert (await start_heating(hass, attic))["reason"] == "no_free_home"
    assert discovered(hass) == []
    # The old one is still in use, and is free again from tomorrow on only.
    assert (await start_heating_change(hass, elm, "replace"))["reason"] == (
        "no_free_home"
    )


async def test_days_of_replacements(
    hass: HomeAssistant, ready: NetatmoControl, virtual: VirtualTime
) -> None:
    """A day before the newest change is refused; on the present day it is now."""
    source = heating_source(
        ready,
        ELM,
        netatmo_revision(
            netatmo_account_id(ready),
            ready.home_id(ELM),
            virtual.now - timedelta(minutes=1),
        ),
    )
    elm = home_entry("Elm", heating_subentry(source))
    await set_up(hass, netatmo_account_entry(ready), elm)
    form = await start_heating_change(hass, elm, "replace")
    form = await submit_heating(
        hass, form, netatmo_home=choice(ready, MILL), since="2026-11-17"
    )
    assert form["errors"] == {"since": "date_too_early"}
    assert placeholders(form) == {
        "home": "Elm",
        "heating": "Heating",
        "date": "2026-11-17",
        "first": "2026-11-18",
    }
    form = await submit_heating(
        hass, form, netatmo_home=choice(ready, MILL), since="2026-11-18"
    )
    for _ in ("Living room", "Kitchen", "Office"):
        form = await submit_heating(hass, form, room="none")
    assert form["reason"] == "replaced"
    assert heatings(elm)[0].revisions[1].since == virtual.now


async def test_home_that_is_taken_while_rooms_are_asked_for(
    hass: HomeAssistant, ready: NetatmoControl, elm: MockConfigEntry
) -> None:
    """A Netatmo home that went to another home meanwhile is said, and nothing changes."""
    swap(ready, "Lounge", "Kitchen", "Bedroom", "Office")
    attic = home_entry("Attic")
    await set_up(hass, netatmo_account_entry(ready, SWAP_USER), attic)
    before = heatings(elm)
    new = choice(ready, "New Elm", SWAP_USER)
    replace_form = await start_heating_change(hass, elm, "replace")
    form = await submit_heating(hass, replace_form, netatmo_home=new)
    await submit_heating(hass, await start_heating(hass, attic), netatmo_home=new)

    form = await submit_heating(hass, form, room="none")
    assert form["step_id"] == "replace"
    assert form["errors"] == {"base": "heating_used"}
    assert placeholders(form)["other"] == "Attic"
    assert choices(form, "netatmo_home") == [choice(ready, MILL)]
    assert heatings(elm) == before
