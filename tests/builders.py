"""Entries as the flows create them, for tests that begin after set-up."""

from datetime import UTC, datetime
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.const import (
    CONF_HOME_ID,
    CONF_KIND,
    CONF_SERVER,
    CONF_TIME_ZONE,
    DOMAIN,
    SUBENTRY_METER,
    EfergyServer,
    EntryKind,
    SourceKind,
)
from custom_components.energy_homes.metering.model import MeterRole
from custom_components.energy_homes.models import MeterSource, Revision

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def efergy_revision(
    account: str, hardware_id: str, since: datetime = LONG_AGO
) -> Revision:
    """Return a revision that reads an Efergy meter."""
    return Revision(
        since=since, kind=SourceKind.EFERGY, account=account, hardware_id=hardware_id
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
