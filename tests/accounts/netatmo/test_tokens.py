"""Tokens of Netatmo accounts: refreshed once, written before use, never lost."""

import asyncio
from datetime import timedelta
from typing import Any

from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    ConfigEntryNotReady,
    ImplementationUnavailableError,
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestReauthError,
    OAuth2TokenRequestTransientError,
)
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import (
    async_add_implementation_provider,
    async_get_config_entry_implementation,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.netatmo.book import (
    DATA_BOOK,
    async_token_book,
)
from custom_components.energy_homes.accounts.netatmo.oauth import NetatmoImplementation
from custom_components.energy_homes.accounts.netatmo.tokens import (
    NetatmoTokens,
    async_exchange_refresh_token,
    async_find,
    async_forget_tokens,
    async_netatmo_tokens,
    async_replace_token,
)
from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudOutageError,
    CloudQuotaError,
)
from custom_components.energy_homes.clouds.netatmo.client import NetatmoClient
from custom_components.energy_homes.const import DOMAIN
from simulator.scenario import NETATMO_REFRESH_TOKEN, NETATMO_TERRACE_USER
from tests.builders import netatmo_account_entry, netatmo_credential
from tests.netatmo_control import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NetatmoControl,
)
from tests.virtual import VirtualTime

STORE = "energy_homes.netatmo_tokens"
LIFE = timedelta(seconds=10_800)


@pytest.fixture
async def entry(
    hass: HomeAssistant, virtual: VirtualTime, netatmo: NetatmoControl
) -> MockConfigEntry:
    """Return an account that is not set up."""
    await netatmo_credential(hass)
    entry = netatmo_account_entry(netatmo)
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
async def tokens(hass: HomeAssistant, entry: MockConfigEntry) -> NetatmoTokens:
    """Return the account's tokens."""
    return await async_netatmo_tokens(hass, entry)


@pytest.fixture
async def implementation(
    hass: HomeAssistant, entry: MockConfigEntry
) -> NetatmoImplementation:
    """Return the account's application."""
    found = await async_get_config_entry_implementation(hass, entry)
    assert isinstance(found, NetatmoImplementation)
    return found


def refreshes(netatmo: NetatmoControl) -> int:
    """Return how often the token endpoint was asked by our application."""
    return netatmo.calls_of_client().get("token", 0)


def stored(hass_storage: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records that are on disk."""
    records: list[dict[str, Any]] = hass_storage[STORE]["data"]["records"]
    return records


def killed(hass: HomeAssistant, entry: MockConfigEntry, data: dict[str, Any]) -> None:
    """Leave what a kill leaves: the entry as it was saved last, and our own file."""
    hass.config_entries.async_update_entry(entry, data=data)
    del hass.data[DATA_BOOK]


async def used_up(virtual: VirtualTime) -> None:
    """Let the access token come close to its end."""
    await virtual.move_to(virtual.now + LIFE - timedelta(seconds=19))


# Refreshing


async def test_a_good_token_is_used_as_it_is(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """A token is used until 20 s before its end without a call."""
    await virtual.move_to(virtual.now + LIFE - timedelta(seconds=21))

    assert await tokens() == entry.data["token"]["access_token"]
    assert refreshes(netatmo) == 0
    assert tokens.client_id == NETATMO_CLIENT_ID


async def test_a_token_that_expires_soon_is_refreshed_before_use(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """New tokens are in the entry and on disk, and the old refresh token is not."""
    old = entry.data["token"]
    await used_up(virtual)
    access = await tokens()

    new = entry.data["token"]
    assert access == new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert new["expires_at"] == (virtual.now + LIFE).timestamp()
    assert refreshes(netatmo) == 1
    assert [record["token"] for record in stored(hass_storage)] == [new]
    assert old["refresh_token"] not in str(hass_storage[STORE])


async def test_calls_that_come_together_share_one_refresh(
    netatmo: NetatmoControl, tokens: NetatmoTokens, virtual: VirtualTime
) -> None:
    """However many need a token: the refresh token is spent once."""
    await used_up(virtual)
    got = await asyncio.gather(*(tokens() for _ in range(8)))

    assert len(set(got)) == 1
    assert refreshes(netatmo) == 1


async def test_calls_that_are_refused_together_share_one_refresh(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
) -> None:
    """A token that is refused to several calls in flight is replaced once."""
    client = NetatmoClient(async_get_clientsession(hass), tokens, netatmo.simulator.url)
    netatmo.expire()
    told = await asyncio.gather(*(client.homes() for _ in range(4)))

    assert {len(homes.homes) for homes in told} == {2}
    assert refreshes(netatmo) == 1
    assert netatmo.calls()["homesdata"] == 8


async def test_a_token_that_was_refused_late_is_not_refreshed_again(
    netatmo: NetatmoControl, tokens: NetatmoTokens, entry: MockConfigEntry
) -> None:
    """Who hears of a refusal after the refresh gets what the refresh got."""
    old = entry.data["token"]["access_token"]
    new = await tokens.force_refresh(old)

    assert await tokens.force_refresh(old) == new != old
    assert refreshes(netatmo) == 1


async def test_other_users_of_the_same_account_share_the_refresh(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """An account that was reloaded in the middle does not spend the token again."""
    one = await async_netatmo_tokens(hass, entry)
    other = await async_netatmo_tokens(hass, entry)
    await used_up(virtual)
    got = await asyncio.gather(one(), other(), one(), other())

    assert set(got) == {entry.data["token"]["access_token"]}
    assert refreshes(netatmo) == 1


async def test_a_caller_that_gives_up_loses_no_token(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """The refresh goes on without the caller, and the next one gets what it got."""
    await used_up(virtual)
    netatmo.simulator.fault("timeout", "token", count=1)
    call = hass.async_create_task(tokens())
    await virtual.settle()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    netatmo.simulator.clear_faults()
    await hass.async_block_till_done()

    assert await tokens() == entry.data["token"]["access_token"]
    assert refreshes(netatmo) == 1


async def test_a_refresh_that_fails_for_nobody_is_no_error_in_the_log(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refresh whose callers have gone fails quietly."""
    await used_up(virtual)
    netatmo.simulator.fault("timeout", "token", seconds=0.05)
    netatmo.simulator.fault("http_503", "token")
    call = hass.async_create_task(tokens())
    await asyncio.sleep(0)
    call.cancel()
    await hass.async_block_till_done()

    assert "never retrieved" not in caplog.text


async def test_a_vendor_that_keeps_the_refresh_token(
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """Where the refresh token stays the same it is spent at every end of a token."""
    netatmo.settings(rotates=False)
    refresh = entry.data["token"]["refresh_token"]
    seen = set()
    for number in (1, 2, 3):
        await used_up(virtual)
        seen.add(await tokens())
        assert refreshes(netatmo) == number
    assert len(seen) == 3
    assert entry.data["token"]["refresh_token"] == refresh


@pytest.mark.parametrize("hours", [-48, 48])
async def test_a_clock_that_is_set(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    virtual: VirtualTime,
    hours: int,
) -> None:
    """After the clock was set, back or forward, one refresh puts things right."""
    netatmo.expire()
    await virtual.move_to(virtual.now + timedelta(hours=hours))
    client = NetatmoClient(async_get_clientsession(hass), tokens, netatmo.simulator.url)
    for _ in range(3):
        assert len((await client.homes()).homes) == 2

    assert refreshes(netatmo) == 1


async def test_no_refresh_is_begun_while_home_assistant_stops(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    virtual: VirtualTime,
) -> None:
    """A token that could be written too late is not asked for."""
    await virtual.move_to(virtual.now + LIFE)
    hass.set_state(CoreState.stopping)

    with pytest.raises(CloudOutageError):
        await tokens()
    assert refreshes(netatmo) == 0
    hass.set_state(CoreState.running)


# Failures


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("invalid_grant", CloudAuthError),
        ("invalid_client", CloudAuthError),
        ("usage_403", CloudQuotaError),
        ("usage_429", CloudQuotaError),
        ("too_many_connections", CloudQuotaError),
        ("empty_403", CloudOutageError),
        ("http_502", CloudOutageError),
        ("http_503", CloudOutageError),
        ("html", CloudOutageError),
        ("concurrency", CloudOutageError),
        ("connection_reset", CloudOutageError),
    ],
)
async def test_only_the_vendors_own_refusal_is_one(
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    error: type[Exception],
) -> None:
    """Each failure of the token endpoint is what it is, and changes nothing."""
    caplog.set_level("DEBUG")
    before = dict(entry.data)
    await virtual.move_to(virtual.now + LIFE)
    netatmo.simulator.fault(fault, "token")

    with pytest.raises(error) as raised:
        await tokens()

    assert entry.data == before
    said = f"{raised.value!r} {raised.value} {tokens!r} {caplog.text}"
    secrets = (NETATMO_CLIENT_SECRET, before["token"]["refresh_token"])
    assert [secret for secret in secrets if secret in said] == []


async def test_an_outage_does_not_spoil_a_token_that_is_still_good(
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """A token is used to its end while the token endpoint is out of order."""
    await used_up(virtual)
    netatmo.simulator.fault("usage_403", "token")
    assert await tokens() == entry.data["token"]["access_token"]

    await virtual.move_to(virtual.now + timedelta(seconds=19))
    with pytest.raises(CloudQuotaError):
        await tokens()


async def test_a_void_token_is_a_refusal_even_before_its_end(
    netatmo: NetatmoControl, tokens: NetatmoTokens, virtual: VirtualTime
) -> None:
    """What the vendor refuses is not put off."""
    await used_up(virtual)
    netatmo.revoke()
    with pytest.raises(CloudAuthError):
        await tokens()


async def test_an_application_that_is_gone(
    hass: HomeAssistant, virtual: VirtualTime, netatmo: NetatmoControl
) -> None:
    """Without its application an account asks for signing in."""
    await netatmo_credential(hass)
    entry = netatmo_account_entry(netatmo, implementation="gone")
    entry.add_to_hass(hass)

    with pytest.raises(ConfigEntryAuthFailed) as raised:
        await async_netatmo_tokens(hass, entry)
    assert raised.value.translation_key == "application_gone"


async def test_an_application_that_cannot_be_had_now(
    hass: HomeAssistant, virtual: VirtualTime, netatmo: NetatmoControl
) -> None:
    """Where applications come from somewhere that is down, the account waits."""

    async def unavailable(hass: HomeAssistant, domain: str) -> list[Any]:
        """Be down."""
        raise ImplementationUnavailableError("down")

    await netatmo_credential(hass)
    async_add_implementation_provider(hass, "somewhere", unavailable)
    entry = netatmo_account_entry(netatmo, implementation="somewhere")
    entry.add_to_hass(hass)

    with pytest.raises(ConfigEntryNotReady) as raised:
        await async_netatmo_tokens(hass, entry)
    assert raised.value.translation_key == "application_unavailable"


# Written ahead


async def test_a_kill_before_the_entry_is_saved_loses_nothing(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """The next run finds the tokens that the last one got, also after several refreshes."""
    saved = dict(entry.data)
    for _ in range(3):
        await used_up(virtual)
        await tokens()
    newest = entry.data["token"]

    killed(hass, entry, saved)
    again = await async_netatmo_tokens(hass, entry)

    assert entry.data["token"] == newest
    assert await again() == newest["access_token"]
    assert refreshes(netatmo) == 3


async def test_a_kill_after_signing_in_with_another_application(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
) -> None:
    """The next run has the tokens of the new sign-in, and their application."""
    netatmo.settings(client={"id": "other", "secret": "other-secret"})
    implementation = await netatmo_credential(hass, "other", "other-secret")
    saved = dict(entry.data)
    token = {**netatmo.tokens(), "expires_at": saved["token"]["expires_at"]}
    await async_replace_token(hass, entry, implementation, token)

    killed(hass, entry, saved)
    again = await async_netatmo_tokens(hass, entry)

    assert entry.data["auth_implementation"] == implementation
    assert entry.data["token"] == token
    assert again.client_id == "other"


async def test_a_refresh_does_not_overwrite_a_newer_sign_in(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """Signing in while a refresh is under way wins."""
    await used_up(virtual)
    netatmo.simulator.fault("timeout", "token", count=1)
    call = hass.async_create_task(tokens())
    await virtual.settle()
    token = {
        **netatmo.tokens(),
        "expires_at": (virtual.now + LIFE).timestamp(),
    }
    data = await async_replace_token(hass, entry, DOMAIN, token)
    hass.config_entries.async_update_entry(entry, data=data)
    netatmo.simulator.clear_faults()

    assert await call == token["access_token"]
    assert entry.data["token"] == token
    assert [record["token"] for record in stored(hass_storage)] == [token]


async def test_an_account_that_is_removed_while_it_refreshes(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """A refresh that ends after its account is gone leaves no token anywhere."""
    await used_up(virtual)
    netatmo.simulator.fault("timeout", "token", count=1)
    call = hass.async_create_task(tokens())
    await virtual.settle()
    await hass.config_entries.async_remove(entry.entry_id)
    netatmo.simulator.clear_faults()

    assert await call == entry.data["token"]["access_token"]
    assert STORE not in hass_storage


async def test_what_is_forgotten_is_gone_from_the_disk(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    netatmo: NetatmoControl,
    tokens: NetatmoTokens,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """Removing an account removes its tokens; forgetting twice is no error."""
    await used_up(virtual)
    await tokens()
    await async_forget_tokens(hass, entry)
    assert stored(hass_storage) == []

    await async_forget_tokens(hass, entry)
    assert stored(hass_storage) == []


async def test_tokens_that_no_account_has_are_kept_for_a_month(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    implementation: NetatmoImplementation,
    entry: MockConfigEntry,
    virtual: VirtualTime,
) -> None:
    """An import that was killed can go on; what nobody comes back for goes."""
    await async_exchange_refresh_token(hass, implementation, NETATMO_REFRESH_TOKEN)
    del hass.data[DATA_BOOK]
    await virtual.move_to(virtual.now + timedelta(days=29))
    assert (await async_token_book(hass)).find(NETATMO_REFRESH_TOKEN) is not None

    del hass.data[DATA_BOOK]
    await virtual.move_to(virtual.now + timedelta(days=2))
    assert (await async_token_book(hass)).find(NETATMO_REFRESH_TOKEN) is None


# Given refresh tokens


async def test_a_given_refresh_token_is_spent_once(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    implementation: NetatmoImplementation,
) -> None:
    """A refresh token that an import names again gives what followed it."""
    one = await async_exchange_refresh_token(
        hass, implementation, NETATMO_REFRESH_TOKEN
    )
    del hass.data[DATA_BOOK]
    other = await async_exchange_refresh_token(
        hass, implementation, NETATMO_REFRESH_TOKEN
    )

    assert one == other
    assert refreshes(netatmo) == 1


async def test_an_account_is_known_by_a_refresh_token_that_was_spent_long_ago(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    entry: MockConfigEntry,
    implementation: NetatmoImplementation,
    virtual: VirtualTime,
) -> None:
    """A token that somebody gave is remembered however often it was replaced."""
    assert await async_find(hass, NETATMO_REFRESH_TOKEN) is None
    token = await async_exchange_refresh_token(
        hass, implementation, NETATMO_REFRESH_TOKEN
    )
    assert await async_find(hass, NETATMO_REFRESH_TOKEN) is None

    hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})
    tokens = await async_netatmo_tokens(hass, entry)
    for _ in range(40):
        await used_up(virtual)
        await tokens()
    newest: str = entry.data["token"]["refresh_token"]
    del hass.data[DATA_BOOK]

    assert await async_find(hass, NETATMO_REFRESH_TOKEN) is entry
    assert await async_find(hass, newest) is entry
    assert await async_find(hass, "never seen") is None
    other = netatmo_account_entry(netatmo, NETATMO_TERRACE_USER)
    other.add_to_hass(hass)
    others = other.data["token"]["refresh_token"]
    assert await async_find(hass, others) is other
    assert await async_find(hass, NETATMO_REFRESH_TOKEN) is entry


async def test_a_given_refresh_token_that_is_void(
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    implementation: NetatmoImplementation,
) -> None:
    """A token that the vendor does not know is refused, without being repeated."""
    with pytest.raises(CloudAuthError) as raised:
        await async_exchange_refresh_token(hass, implementation, "void-and-secret")
    assert "void-and-secret" not in str(raised.value)


# Home Assistant's own sessions


async def test_home_assistants_own_refresh_is_written_ahead_too(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    entry: MockConfigEntry,
    implementation: NetatmoImplementation,
) -> None:
    """Whoever refreshes through Home Assistant's helper gets the same."""
    token = await implementation.async_refresh_token(dict(entry.data["token"]))

    (record,) = stored(hass_storage)
    assert record["token"]["refresh_token"] == token["refresh_token"]
    assert NETATMO_CLIENT_SECRET not in repr(implementation)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("invalid_grant", OAuth2TokenRequestReauthError),
        ("usage_403", OAuth2TokenRequestTransientError),
        ("usage_429", OAuth2TokenRequestTransientError),
        ("http_502", OAuth2TokenRequestConnectionError),
        ("html", OAuth2TokenRequestConnectionError),
    ],
)
async def test_home_assistants_own_refresh_fails_by_kind(
    netatmo: NetatmoControl,
    entry: MockConfigEntry,
    implementation: NetatmoImplementation,
    fault: str,
    error: type[Exception],
) -> None:
    """A quota or an outage is no reason to sign in again there either."""
    netatmo.simulator.fault(fault, "token")
    with pytest.raises(error) as raised:
        await implementation.async_refresh_token(dict(entry.data["token"]))

    assert isinstance(raised.value, ConfigEntryAuthFailed) is (fault == "invalid_grant")
    assert entry.data["token"]["refresh_token"] not in repr(raised.value)


async def test_home_assistants_own_code_is_redeemed(
    netatmo: NetatmoControl, implementation: NetatmoImplementation
) -> None:
    """A code that the vendor does not know is refused by Home Assistant's helper."""
    with pytest.raises(OAuth2TokenRequestReauthError):
        await implementation.async_resolve_external_data(
            {"code": "unknown", "state": {"redirect_uri": "https://example.com"}}
        )
