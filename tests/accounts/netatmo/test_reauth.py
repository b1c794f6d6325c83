"""When an account asks somebody to sign in again, and when it must not."""

from datetime import timedelta

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.netatmo.hub import NetatmoHub
from custom_components.energy_homes.accounts.registry import AccountState
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.diagnostics import (
    async_get_config_entry_diagnostics,
)
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_credential,
    set_up,
)
from tests.netatmo_control import NetatmoControl
from tests.virtual import VirtualTime

LIFE = timedelta(hours=3)


@pytest.fixture
async def account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    netatmo: NetatmoControl,
) -> MockConfigEntry:
    """Return an account with a home that is heated, both set up."""
    await netatmo_credential(hass)
    entry = netatmo_account_entry(netatmo)
    home = home_entry("Mill", heating_subentry(heating_source(netatmo, "Mill Cottage")))
    await set_up(hass, home, entry)
    await virtual.settle()
    assert state(entry) is AccountState.CONNECTED
    return entry


def state(entry: MockConfigEntry) -> AccountState:
    """Return how the account's conversation goes."""
    hub: NetatmoHub = entry.runtime_data
    return hub.state


def reauths(hass: HomeAssistant) -> list[ConfigFlowResult]:
    """Return the flows that ask somebody to sign in again."""
    return hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_REAUTH}
    )


@pytest.mark.heavy
async def test_tokens_are_renewed_for_days(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    account: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """A token every three hours, and nobody is asked for anything."""
    await virtual.run(2 * LIFE + timedelta(minutes=10))

    assert netatmo.calls_of_client()["token"] == 2
    assert state(account) is AccountState.CONNECTED
    assert reauths(hass) == []


async def test_a_void_refresh_token_asks_once_and_never_loops(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    account: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """Somebody is asked once, and until then nothing is sent, also over restarts."""
    netatmo.revoke()
    await virtual.run(timedelta(minutes=30))
    asked = netatmo.calls_of_client()
    assert state(account) is AccountState.AUTH
    assert len(reauths(hass)) == 1
    assert asked["token"] == 1

    await virtual.run(2 * LIFE)
    assert netatmo.calls_of_client() == asked
    assert len(reauths(hass)) == 1

    await hass.config_entries.async_reload(account.entry_id)
    await virtual.run(timedelta(hours=1))
    assert account.state is ConfigEntryState.SETUP_ERROR
    assert len(reauths(hass)) == 1
    assert netatmo.calls_of_client()["token"] == 2


@pytest.mark.parametrize("fault", ["usage_403", "http_502"])
async def test_a_token_endpoint_out_of_order_asks_nobody(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    account: MockConfigEntry,
    virtual: VirtualTime,
    fault: str,
) -> None:
    """A quota or an outage of the token endpoint is waited for."""
    netatmo.simulator.fault(fault, "token")
    await virtual.run(LIFE + timedelta(hours=1))
    assert state(account) in {AccountState.QUOTA, AccountState.OUTAGE}
    assert reauths(hass) == []
    assert netatmo.calls_of_client()["token"] < 30

    netatmo.simulator.clear_faults()
    await virtual.run(timedelta(hours=2))
    assert state(account) is AccountState.CONNECTED
    assert reauths(hass) == []


async def test_a_token_endpoint_out_of_order_at_the_start(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    account: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """An account that starts while the token endpoint is down starts later."""
    await virtual.move_to(virtual.now + LIFE)
    netatmo.simulator.fault("usage_403", "token")
    await hass.config_entries.async_reload(account.entry_id)
    assert reauths(hass) == []

    netatmo.simulator.clear_faults()
    await virtual.run(timedelta(hours=2))
    assert account.state is ConfigEntryState.LOADED
    assert state(account) is AccountState.CONNECTED
    assert reauths(hass) == []


async def test_removing_an_account_removes_its_tokens(
    hass: HomeAssistant,
    hass_storage: dict[str, dict[str, dict[str, object]]],
    netatmo: NetatmoControl,
    account: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """Nothing of a removed account's tokens is left on disk."""
    await virtual.run(LIFE + timedelta(minutes=10))
    assert "access" in str(hass_storage["energy_homes.netatmo_tokens"])

    await hass.config_entries.async_remove(account.entry_id)
    assert hass_storage["energy_homes.netatmo_tokens"]["data"] == {"records": []}


async def test_diagnostics_hold_no_credential(
    hass: HomeAssistant, netatmo: NetatmoControl, account: MockConfigEntry
) -> None:
    """Diagnostics show neither tokens nor which application it is."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        shown = str(await async_get_config_entry_diagnostics(hass, entry))
        assert account.data["token"]["access_token"] not in shown
        assert account.data["token"]["refresh_token"] not in shown
    shown = (await async_get_config_entry_diagnostics(hass, account))["entry"]
    assert shown["token"] == shown["auth_implementation"] == "**REDACTED**"
