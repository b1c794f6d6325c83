"""Entries as the flows create them, for tests that begin after set-up."""

from collections.abc import Iterable
from datetime import UTC, datetime
import time
from typing import Any

from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.particle.measures import (
    BoardConfig as ParticleBoard,
)
from custom_components.energy_homes.accounts.pulse_board.entry import board_data
from custom_components.energy_homes.boards.config import BoardConfig
from custom_components.energy_homes.const import (
    CONF_HOME_ID,
    CONF_KIND,
    CONF_SERVER,
    CONF_TIME_ZONE,
    DOMAIN,
    SUBENTRY_HEATING,
    SUBENTRY_METER,
    SUBENTRY_PARTICLE_BOARD,
    SUBENTRY_SENSORS,
    EfergyServer,
    EntryKind,
    SourceKind,
)
from custom_components.energy_homes.heating.netatmo.model import (
    GATEWAY_TYPES,
    HEATING_TYPES,
    room_control,
)
from custom_components.energy_homes.heating.records import ModuleRecord, RoomRecord
from custom_components.energy_homes.metering.model import MeterRole
from custom_components.energy_homes.models import (
    HeatingSource,
    MeterSource,
    Revision,
    SensorsSource,
)
from custom_components.energy_homes.sensing.records import SensorRecord
from tests.board_kit import CONFIG, KEY
from tests.netatmo_control import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_USER,
    NetatmoControl,
)

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def efergy_revision(
    account: str, hardware_id: str, since: datetime = LONG_AGO
) -> Revision:
    """Return a revision that reads an Efergy meter."""
    return Revision(
        since=since, kind=SourceKind.EFERGY, account=account, hardware_id=hardware_id
    )


def board_entry(
    config: BoardConfig = CONFIG, *, key: str = KEY, title: str = "Harbour board"
) -> MockConfigEntry:
    """Return a pulse board as its flow stores it."""
    return MockConfigEntry(
        domain=DOMAIN, title=title, unique_id=key, data=board_data(config)
    )


def board_revision(
    channel: int, since: datetime = LONG_AGO, *, key: str = KEY
) -> Revision:
    """Return a revision that reads a channel of a pulse board."""
    return Revision(
        since=since,
        kind=SourceKind.PULSE_BOARD,
        account=key,
        hardware_id=str(channel),
    )


def entity_revision(entity: str, since: datetime = LONG_AGO) -> Revision:
    """Return a revision that reads an entity."""
    return Revision(since=since, kind=SourceKind.ENTITY, entity=entity)


def meter_subentry(
    source_id: str,
    *revisions: Revision,
    name: str = "Electricity meter",
    role: MeterRole = MeterRole.GRID,
) -> ConfigSubentryData:
    """Return a meter of a home as its flow stores it."""
    source = MeterSource(source_id=source_id, name=name, role=role, revisions=revisions)
    return ConfigSubentryData(
        data=source.as_data(),
        subentry_type=SUBENTRY_METER,
        title=name,
        unique_id=source_id,
    )


def sensors_subentry(
    source_id: str, account: str, host_id: str, *sensors: SensorRecord
) -> ConfigSubentryData:
    """Return a host of sensors of a home as its flow stores it."""
    revision = Revision(
        since=LONG_AGO, kind=SourceKind.REMOTE, account=account, hardware_id=host_id
    )
    source = SensorsSource(
        source_id=source_id, name="Sensors", revisions=(revision,), sensors=sensors
    )
    return ConfigSubentryData(
        data=source.as_data(),
        subentry_type=SUBENTRY_SENSORS,
        title=source.name,
        unique_id=source_id,
    )


def home_entry(
    label: str, *meters: ConfigSubentryData, home_id: str | None = None
) -> MockConfigEntry:
    """Return a home as its flow stores it."""
    identity = home_id or f"home-{label.casefold().replace(' ', '-')}"
    return MockConfigEntry(
        domain=DOMAIN,
        title=label,
        unique_id=identity,
        data={
            CONF_KIND: EntryKind.HOME.value,
            CONF_HOME_ID: identity,
            CONF_TIME_ZONE: "Europe/London",
        },
        subentries_data=meters,
    )


def account_entry(token: str, account: str, **data: Any) -> MockConfigEntry:
    """Return an Efergy account as its flow stores it; `account` is its unique id."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Efergy",
        unique_id=account,
        data={
            CONF_KIND: EntryKind.EFERGY.value,
            "token": token,
            CONF_SERVER: EfergyServer.ENGAGE.value,
            **data,
        },
    )


def particle_entry(
    token: str,
    account: str = "particle_account",
    boards: Iterable[ParticleBoard] = (),
    **data: Any,
) -> MockConfigEntry:
    """Return a Particle account as its flow stores it; `account` is its unique id."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Particle",
        unique_id=account,
        data={CONF_KIND: EntryKind.PARTICLE.value, "token": token, **data},
        subentries_data=[
            ConfigSubentryData(
                data=board.as_data(),
                subentry_type=SUBENTRY_PARTICLE_BOARD,
                title="A board",
                unique_id=board.board_id,
            )
            for board in boards
        ],
    )


def particle_revision(
    board_id: str, account: str = "particle_account", since: datetime = LONG_AGO
) -> Revision:
    """Return a revision that reads a Particle board."""
    return Revision(
        since=since, kind=SourceKind.PARTICLE, account=account, hardware_id=board_id
    )


async def netatmo_credential(
    hass: HomeAssistant,
    client_id: str = NETATMO_CLIENT_ID,
    client_secret: str = NETATMO_CLIENT_SECRET,
) -> str:
    """Give Home Assistant an app's credentials; return the implementation's id."""
    assert await async_setup_component(hass, "application_credentials", {})
    known = client_id == NETATMO_CLIENT_ID
    implementation = DOMAIN if known else f"{DOMAIN}_{client_id}"
    await async_import_client_credential(
        hass, DOMAIN, ClientCredential(client_id, client_secret), implementation
    )
    return implementation


def netatmo_account_id(netatmo: NetatmoControl, user: str = NETATMO_USER) -> str:
    """Return the unique id of a Netatmo account's entry."""
    return f"netatmo_{netatmo.overview()['users'][user]['id']}"


def netatmo_account_entry(
    netatmo: NetatmoControl,
    user: str = NETATMO_USER,
    *,
    implementation: str = DOMAIN,
    token: dict[str, Any] | None = None,
) -> MockConfigEntry:
    """Return a Netatmo account as its flow stores it, with tokens that are good.

    Call `netatmo_credential` before it is set up; homes name it by
    `netatmo_account_id`.
    """
    account = netatmo_account_id(netatmo, user)
    token = netatmo.tokens(user) if token is None else token
    return MockConfigEntry(
        domain=DOMAIN,
        title=f"Netatmo {account[-4:]}",
        unique_id=account,
        data={
            CONF_KIND: EntryKind.NETATMO.value,
            "auth_implementation": implementation,
            "token": {"expires_at": time.time() + token["expires_in"], **token},
        },
    )


def netatmo_revision(
    account: str, home_id: str, since: datetime = LONG_AGO
) -> Revision:
    """Return a revision that is a Netatmo home."""
    return Revision(
        since=since, kind=SourceKind.NETATMO, account=account, hardware_id=home_id
    )


def heating_source(
    netatmo: NetatmoControl,
    home: str,
    *revisions: Revision,
    source_id: str | None = None,
    name: str = "Heating",
) -> HeatingSource:
    """Return a home of the simulator as a heating, with all of its rooms and modules.

    Ids of ours are made from names: `room_key(source_id, "Living room")`. Without revisions
    it is the home of whichever account has it.
    """
    users = netatmo.overview()["users"]
    told = {h["name"]: h for user in users.values() for h in user["homes"]}[home]
    owner = next(
        user for user in users.values() if home in [h["name"] for h in user["homes"]]
    )
    source = source_id or f"heating-{_slug(home)}"
    heating = [m for m in told["modules"] if m["type"] in HEATING_TYPES]
    types = [module["type"] for module in told["modules"]]
    controls = {
        room["id"]: room_control(room["modules"], types) for room in told["rooms"]
    }
    names = {room["id"]: room["name"] for room in told["rooms"]}
    gateway = next((m for m in heating if m["type"] in GATEWAY_TYPES), None)
    return HeatingSource(
        source_id=source,
        name=name,
        revisions=revisions
        or (netatmo_revision(f"netatmo_{owner['id']}", told["id"]),),
        rooms=tuple(
            RoomRecord(
                room_id=room_key(source, names[hardware_id]),
                hardware_id=hardware_id,
                name=names[hardware_id],
                kind=control.kind,
                call=control.call.value,
            )
            for hardware_id, control in controls.items()
            if control is not None
        ),
        modules=tuple(
            ModuleRecord(
                module_id=f"{source}-{_slug(module['name'])}",
                hardware_id=module["id"],
                kind=module["type"],
                name=module["name"],
                room_id=(
                    None
                    if module["room_id"] is None
                    else room_key(source, names[module["room_id"]])
                ),
                bridge_id=(
                    None
                    if gateway is None or module is gateway or module["type"] == "BNS"
                    else f"{source}-{_slug(gateway['name'])}"
                ),
            )
            for module in heating
        ),
    )


def heating_subentry(source: HeatingSource) -> ConfigSubentryData:
    """Return a heating of a home as its flow stores it."""
    return ConfigSubentryData(
        data=source.as_data(),
        subentry_type=SUBENTRY_HEATING,
        title=source.name,
        unique_id=source.source_id,
    )


def room_key(source_id: str, room: str) -> str:
    """Return our own id of a room that `heating_source` made."""
    return f"{source_id}-{_slug(room)}"


def _slug(name: str) -> str:
    """Return a name as a part of an id."""
    return name.casefold().replace(" ", "-")


async def set_up(hass: HomeAssistant, *entries: MockConfigEntry) -> None:
    """Add entries to Home Assistant and set them up in this order."""
    for entry in entries:
        entry.add_to_hass(hass)
    for entry in entries:
        # The first one sets up the integration, and with it every entry there is.
        if entry.state is ConfigEntryState.NOT_LOADED:
            await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's state; fail with its name where there is none."""
    state = hass.states.get(entity_id)
    assert state is not None, entity_id
    return state.state
