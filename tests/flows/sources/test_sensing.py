"""Which home are these sensors in; and adding, renaming, replacing a host, forgetting sensors."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigFlowResult,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.energy_homes.accounts.hosts import HostInfo
from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.boards.remote import RemoteReading, RemoteUpdate
from custom_components.energy_homes.const import DOMAIN, SUBENTRY_SENSORS, SourceKind
from custom_components.energy_homes.models import SensorsSource
from tests.board_kit import KEY
from tests.builders import board_entry, home_entry, set_up, state_of
from tests.flows.helpers import (
    choices,
    discovered,
    homes,
    placeholders,
    read_texts,
    submit,
    suggested,
)

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PI_ITEM = f"{KEY}_remote:pi"
PI = f"{KEY}/pi"
NEW_PI = f"{KEY}/new-pi"


@pytest.fixture(autouse=True)
def noon(freezer: FrozenDateTimeFactory) -> None:
    """Let it be noon of a day."""
    freezer.move_to(NOON)


@pytest.fixture
async def hub(
    recorder_mock: Recorder, hass: HomeAssistant, noon: None
) -> PulseBoardHub:
    """Return a board to which daemons report."""
    board = board_entry()
    await set_up(hass, board)
    assert isinstance(board.runtime_data, PulseBoardHub)
    return board.runtime_data


def report(hub: PulseBoardHub, host: str, **sensors: tuple[str | None, float]) -> None:
    """Let a daemon report sensors with their aliases and values."""
    hub.sensing.take(
        RemoteUpdate(
            host_id=host,
            readings=tuple(
                RemoteReading(
                    key=f"{host}_{sensor}",
                    sensor_id=sensor,
                    temperature=value,
                    alias=alias,
                )
                for sensor, (alias, value) in sensors.items()
            ),
        ),
        dt_util.utcnow(),
    )


async def offered(hass: HomeAssistant, unique_id: str = PI_ITEM) -> ConfigFlowResult:
    """Open a discovered item."""
    await hass.async_block_till_done()
    (flow,) = hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"unique_id": unique_id}
    )
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])
    read_texts("config", form)
    return form


async def start_sensors(hass: HomeAssistant, home: ConfigEntry) -> SubentryFlowResult:
    """Start to add sensors to a home."""
    result = await hass.config_entries.subentries.async_init(
        (home.entry_id, SUBENTRY_SENSORS), context={"source": SOURCE_USER}
    )
    read_texts(SUBENTRY_SENSORS, result)
    return result


async def start_change(
    hass: HomeAssistant, home: ConfigEntry, step: str
) -> SubentryFlowResult:
    """Start to change a home's first sensors, and choose an item of the menu."""
    subentry = home.get_subentries_of_type(SUBENTRY_SENSORS)[0]
    menu = await hass.config_entries.subentries.async_init(
        (home.entry_id, SUBENTRY_SENSORS),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["edit", "replace", "forget"]
    read_texts(SUBENTRY_SENSORS, menu)
    result = await hass.config_entries.subentries.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )
    read_texts(SUBENTRY_SENSORS, result)
    return result


async def submit_sensors(
    hass: HomeAssistant, form: SubentryFlowResult, **fields: Any
) -> SubentryFlowResult:
    """Fill in a form of sensors."""
    assert form["type"] is FlowResultType.FORM
    result = await hass.config_entries.subentries.async_configure(
        form["flow_id"], fields
    )
    read_texts(SUBENTRY_SENSORS, result)
    await hass.async_block_till_done()
    return result


def stored(home: ConfigEntry) -> list[SensorsSource]:
    """Return the hosts of sensors of a home."""
    return [
        SensorsSource.from_subentry(subentry)
        for subentry in home.get_subentries_of_type(SUBENTRY_SENSORS)
    ]


def in_effect(source: SensorsSource) -> dict[str, str | None]:
    """Return the vendor's ids of now by the names of the sensors."""
    host = source.current(dt_util.utcnow()).hardware
    return {record.name: record.hardware.get(host) for record in source.sensors}


# Assigning


async def test_assign_to_the_only_home(hass: HomeAssistant, hub: PulseBoardHub) -> None:
    """The home is suggested; the item goes, and is not offered again."""
    await set_up(hass, home_entry("Attic"))
    report(hub, "pi", a=("Hall", 21.25), b=(None, 3.0))
    form = await offered(hass)
    assert suggested(form) == {"home": "Attic", "name": "Sensors"}
    assert placeholders(form) == {
        "host": "pi",
        "account": "Harbour board",
        "sensors": "Hall (21.2 °C), b (3.0 °C)",
        "homes": "Attic",
    }
    done = await submit(hass, form, home=" attic", name=" Climate ")
    assert done["reason"] == "assigned"
    assert placeholders(done) == {"meter": "Climate", "home": "Attic"}
    (source,) = stored(homes(hass)["Attic"])
    assert source.name == "Climate"
    assert in_effect(source) == {"Hall": "a", "b": "b"}
    (revision,) = source.revisions
    assert (revision.kind, revision.account, revision.hardware_id) == (
        SourceKind.REMOTE,
        KEY,
        "pi",
    )
    report(hub, "pi", a=("Hall", 21.5))
    await hass.async_block_till_done()
    assert PI_ITEM not in discovered(hass)
    assert state_of(hass, "sensor.attic_climate_hall") == "21.5"


async def test_assign_to_a_new_home(hass: HomeAssistant, hub: PulseBoardHub) -> None:
    """A label that no home has makes one, with its sensors at once."""
    await set_up(hass, home_entry("Attic"), home_entry("Barn"))
    report(hub, "pi", a=("Hall", 21.25))
    form = await offered(hass)
    assert suggested(form) == {"name": "Sensors"}
    done = await submit(hass, form, home="Cellar")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert state_of(hass, "sensor.cellar_sensors_hall") == "21.25"


async def test_refused_assignment_goes_on(
    hass: HomeAssistant, hub: PulseBoardHub
) -> None:
    """What cannot be is said with the form; then it can be corrected."""
    await set_up(hass, home_entry("Attic"), home_entry("Barn"), home_entry("BARN"))
    report(hub, "pi", a=(None, 1.0))
    form = await offered(hass)
    for label, error in ((" ", "label_needed"), ("barn", "ambiguous_home")):
        form = await submit(hass, form, home=label)
        assert form["errors"] == {"home": error}
    await submit(hass, form, home="Attic", name="Climate")
    report(hub, "new-pi", a=(None, 1.0))
    form = await offered(hass, f"{KEY}_remote:new-pi")
    form = await submit(hass, form, home="Attic", name="climate")
    assert form["errors"] == {"name": "duplicate_heating"}
    await submit(hass, form, home="Attic")
    assert [s.name for s in stored(homes(hass)["Attic"])] == ["Climate", "Sensors"]


async def test_host_that_was_assigned_meanwhile(
    hass: HomeAssistant, hub: PulseBoardHub
) -> None:
    """Two ways to one host: the first counts."""
    attic, barn = home_entry("Attic"), home_entry("Barn")
    await set_up(hass, attic, barn)
    report(hub, "pi", a=(None, 1.0))
    await hass.async_block_till_done()
    first, second = await start_sensors(hass, attic), await start_sensors(hass, barn)
    await submit_sensors(hass, first, host=PI)
    assert PI_ITEM not in discovered(hass)
    result = await submit_sensors(hass, second, host=PI)
    assert result["reason"] == "no_free_host"
    late = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_INTEGRATION_DISCOVERY},
        data={
            "account": KEY,
            "hardware": "remote:pi",
            "host": HostInfo(hardware_id="pi", name="pi"),
            "kind": SourceKind.REMOTE,
        },
    )
    read_texts("config", late)
    assert late["reason"] == "already_assigned"
    assert placeholders(late) == {"meter": "pi", "home": "Attic"}


async def test_item_without_its_board(hass: HomeAssistant, hub: PulseBoardHub) -> None:
    """What is open goes on with what was found."""
    report(hub, "pi", a=("Hall", 21.0))
    form = await offered(hass)
    await hub.async_stop()
    done = await submit(hass, form, home="Attic", name="")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert state_of(hass, "sensor.attic_sensors_hall") == "unavailable"


async def test_ignored_host(hass: HomeAssistant, hub: PulseBoardHub) -> None:
    """Who does not want to hear of a host does not."""
    MockConfigEntry(
        domain=DOMAIN, source=SOURCE_IGNORE, unique_id=PI_ITEM, data={}
    ).add_to_hass(hass)
    report(hub, "pi", a=(None, 1.0))
    await hass.async_block_till_done()
    assert PI_ITEM not in discovered(hass)


async def test_host_called_like_a_channel(
    hass: HomeAssistant, hub: PulseBoardHub
) -> None:
    """A daemon may call its host "1": that is not the board's first channel."""
    attic = home_entry("Attic")
    await set_up(hass, attic)
    report(hub, "1", a=(None, 1.0))
    await hass.async_block_till_done()
    assert {f"{KEY}_1", f"{KEY}_remote:1"} <= set(discovered(hass))
    await submit_sensors(hass, await start_sensors(hass, attic), host=f"{KEY}/1")
    assert f"{KEY}_1" in discovered(hass)
    assert f"{KEY}_remote:1" not in discovered(hass)


# A home's own flow


@pytest.fixture
async def attic(
    hass: HomeAssistant, hub: PulseBoardHub, freezer: FrozenDateTimeFactory
) -> ConfigEntry:
    """Return a home with the sensors of a host, which it has had for a minute."""
    home: ConfigEntry = home_entry("Attic")
    await set_up(hass, home)
    report(hub, "pi", a=("Hall", 21.0), b=("Loft", 5.0), c=(None, 9.0))
    await hass.async_block_till_done()
    form = await start_sensors(hass, home)
    assert choices(form, "host") == [PI]
    assert suggested(form) == {"name": "Sensors"}
    done = await submit_sensors(hass, form, host=PI, name="Climate")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    freezer.tick(MINUTE)
    return home


async def test_add_what_is_not_there(hass: HomeAssistant, attic: ConfigEntry) -> None:
    """Without a host that is free there is nothing to add."""
    none = await start_sensors(hass, attic)
    assert none["reason"] == "no_free_host"


async def test_add_refused(
    hass: HomeAssistant, hub: PulseBoardHub, attic: ConfigEntry
) -> None:
    """A host that is not free, or a name that is not."""
    report(hub, "new-pi", a=(None, 1.0))
    form = await start_sensors(hass, attic)
    form = await submit_sensors(hass, form, host=NEW_PI, name="CLIMATE")
    assert form["errors"] == {"name": "duplicate_heating"}
    other = home_entry("Barn")
    await set_up(hass, other)
    report(hub, "third", a=(None, 1.0))
    await submit_sensors(hass, await start_sensors(hass, other), host=NEW_PI)
    form = await submit_sensors(hass, form, host=NEW_PI)
    assert form["errors"] == {"host": "unknown_host"}
    assert placeholders(form)["hosts"] == "third (Harbour board)"


async def test_rename(hass: HomeAssistant, attic: ConfigEntry) -> None:
    """The device gets another name, and nothing else changes."""
    (before,) = stored(attic)
    form = await start_change(hass, attic, "edit")
    assert suggested(form) == {"name": "Climate"}
    done = await submit_sensors(hass, form, name=" Upstairs ")
    assert done["reason"] == "reconfigure_successful"
    (after,) = stored(attic)
    assert after.name == "Upstairs"
    assert after.as_data() == before.as_data()
    await submit_sensors(hass, await start_change(hass, attic, "edit"))
    assert stored(attic)[0].name == "Sensors"


async def test_rename_refused(
    hass: HomeAssistant, hub: PulseBoardHub, attic: ConfigEntry
) -> None:
    """Two sources of one home have two names."""
    report(hub, "new-pi", a=(None, 1.0))
    await submit_sensors(hass, await start_sensors(hass, attic), host=NEW_PI)
    form = await start_change(hass, attic, "edit")
    form = await submit_sensors(hass, form, name="sensors")
    assert form["errors"] == {"name": "duplicate_heating"}


# Another host


async def test_host_swap_that_needs_no_question(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    attic: ConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """Probes keep their ids when a computer is exchanged; entities stay."""
    entities = set(entity_registry.entities)
    report(hub, "new-pi", a=("Hall", 22.0), x=("loft", 6.0), c=(None, 10.0))
    form = await start_change(hass, attic, "replace")
    assert choices(form, "host") == [NEW_PI]
    done = await submit_sensors(hass, form, host=NEW_PI)
    assert done["reason"] == "replaced"
    (source,) = stored(attic)
    assert in_effect(source) == {"Hall": "a", "loft": "x", "c": "c"}
    assert [r.hardware_id for r in source.revisions] == ["pi", "new-pi"]
    # The first revision began on this day, so the second cannot at its midnight.
    assert source.revisions[1].since == NOON + MINUTE
    assert set(entity_registry.entities) == entities
    assert state_of(hass, "sensor.attic_climate_hall") == "22.0"
    assert state_of(hass, "sensor.attic_climate_loft") == "6.0"


async def test_host_swap_that_has_to_ask(
    hass: HomeAssistant, hub: PulseBoardHub, attic: ConfigEntry
) -> None:
    """Each sensor that is not found is asked about, while there is any that it can be."""
    report(hub, "new-pi", x=("Corridor", 22.0), y=(None, 6.0))
    form = await start_change(hass, attic, "replace")
    form = await submit_sensors(hass, form, host=NEW_PI)
    assert form["step_id"] == "match_sensor"
    assert placeholders(form) == {
        "home": "Attic",
        "sensors": "Climate",
        "host": "new-pi",
        "sensor": "Hall",
    }
    assert choices(form, "sensor") == ["x", "y", "none"]
    form = await submit_sensors(hass, form, sensor="x")
    assert placeholders(form)["sensor"] == "Loft"
    assert choices(form, "sensor") == ["y", "none"]
    form = await submit_sensors(hass, form, sensor="none")
    assert placeholders(form)["sensor"] == "c"
    done = await submit_sensors(hass, form, sensor="y")
    assert done["reason"] == "replaced"
    assert in_effect(stored(attic)[0]) == {"Corridor": "x", "Loft": None, "c": "y"}
    assert state_of(hass, "sensor.attic_climate_hall") == "22.0"
    assert state_of(hass, "sensor.attic_climate_loft") == "unavailable"


async def test_more_sensors_than_the_new_host_has(
    hass: HomeAssistant, hub: PulseBoardHub, attic: ConfigEntry
) -> None:
    """Where nothing is left to choose from, nothing is asked."""
    report(hub, "new-pi", x=("Corridor", 22.0))
    form = await start_change(hass, attic, "replace")
    form = await submit_sensors(hass, form, host=NEW_PI)
    done = await submit_sensors(hass, form, sensor="x")
    assert done["reason"] == "replaced"
    assert in_effect(stored(attic)[0]) == {"Corridor": "x", "Loft": None, "c": None}


async def test_host_swap_that_is_still_to_come(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    attic: ConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Until its day the old host is heard, and from then on the new one."""
    report(hub, "new-pi", a=("Hall", 22.0), b=("Loft", 6.0), c=(None, 10.0))
    form = await start_change(hass, attic, "replace")
    await submit_sensors(hass, form, host=NEW_PI, since="2026-11-19")
    assert state_of(hass, "sensor.attic_climate_hall") == "21.0"
    freezer.move_to(datetime(2026, 11, 19, 0, 0, 1, tzinfo=UTC))
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done()
    report(hub, "pi", a=("Hall", 1.0))
    report(hub, "new-pi", a=("Hall", 23.0))
    assert state_of(hass, "sensor.attic_climate_hall") == "23.0"
    assert len(stored(attic)[0].sensors) == 3


async def test_days_of_replacements(
    hass: HomeAssistant, hub: PulseBoardHub, attic: ConfigEntry
) -> None:
    """A day before the newest change is refused."""
    report(hub, "new-pi", a=(None, 1.0))
    form = await start_change(hass, attic, "replace")
    form = await submit_sensors(hass, form, host=NEW_PI, since="2026-11-17")
    assert form["errors"] == {"since": "date_too_early"}
    assert placeholders(form) == {
        "home": "Attic",
        "sensors": "Climate",
        "date": "2026-11-17",
        "first": "2026-11-18",
    }


async def test_host_that_is_taken_while_sensors_are_asked_for(
    hass: HomeAssistant, hub: PulseBoardHub, attic: ConfigEntry
) -> None:
    """The flow says so and begins anew; without a free host there is no replacement."""
    assert (await start_change(hass, attic, "replace"))["reason"] == "no_free_host"
    report(hub, "new-pi", x=(None, 1.0))
    report(hub, "third", x=(None, 1.0))
    form = await start_change(hass, attic, "replace")
    form = await submit_sensors(hass, form, host=NEW_PI)
    barn = home_entry("Barn")
    await set_up(hass, barn)
    await submit_sensors(hass, await start_sensors(hass, barn), host=NEW_PI)
    for _ in ("Hall", "Loft", "c"):
        form = await submit_sensors(hass, form, sensor="none")
    assert form["step_id"] == "replace"
    assert form["errors"] == {"base": "host_used"}
    assert placeholders(form)["other"] == "Barn"
    assert choices(form, "host") == [f"{KEY}/third"]
    assert len(stored(attic)[0].revisions) == 1


# Forgetting


async def test_forget_sensors(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    attic: ConfigEntry,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """What is silent can go; what reports cannot; what comes back is new."""
    all_report = await start_change(hass, attic, "forget")
    assert all_report["reason"] == "all_report"
    (before,) = stored(attic)
    runtime = attic.runtime_data
    freezer.tick(6 * MINUTE)
    report(hub, "pi", a=("Hall", 21.0))
    form = await start_change(hass, attic, "forget")
    loft = before.sensors[1].sensor_id
    assert choices(form, "sensors") == [loft, before.sensors[2].sensor_id]
    done = await submit_sensors(hass, form, sensors=[loft])
    assert done["reason"] == "forgotten"
    assert list(in_effect(stored(attic)[0])) == ["Hall", "c"]
    assert hass.states.get("sensor.attic_climate_loft") is None
    assert entity_registry.async_get("sensor.attic_climate_loft") is None
    report(hub, "pi", a=("Hall", 21.0), b=("Loft", 4.0))
    await hass.async_block_till_done()
    (after,) = stored(attic)
    assert [record.name for record in after.sensors] == ["Hall", "c", "Loft"]
    assert after.sensors[2].sensor_id != loft
    assert state_of(hass, "sensor.attic_climate_loft") == "4.0"
    assert attic.runtime_data is runtime


async def test_forget_without_the_board(
    hass: HomeAssistant, hub: PulseBoardHub, attic: ConfigEntry
) -> None:
    """Nothing reports, so everything can go; disabled ones too."""
    registry = er.async_get(hass)
    registry.async_remove("sensor.attic_climate_hall")
    await hub.async_stop()
    form = await start_change(hass, attic, "forget")
    ids = choices(form, "sensors")
    assert len(ids) == 3
    await submit_sensors(hass, form, sensors=ids)
    assert stored(attic)[0].sensors == ()


async def test_remove_all(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    attic: ConfigEntry,
    entity_registry: er.EntityRegistry,
) -> None:
    """The source goes with its device and entities; its host is free again."""
    (subentry,) = attic.get_subentries_of_type(SUBENTRY_SENSORS)
    hass.config_entries.async_remove_subentry(attic, subentry.subentry_id)
    await hass.async_block_till_done()
    assert hass.states.get("sensor.attic_climate_hall") is None
    assert not [e for e in entity_registry.entities if "climate_hall" in e]
    report(hub, "pi", a=("Hall", 21.0))
    await hass.async_block_till_done()
    assert PI_ITEM in discovered(hass)
