"""Netatmo accounts: signing in, every refusal, the wrong account, another application."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import (
    async_add_implementation_provider,
)
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.accounts.netatmo.tokens import async_find
from custom_components.energy_homes.const import DOMAIN
from simulator.scenario import NETATMO_TERRACE_USER
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_account_id,
    netatmo_credential,
    netatmo_revision,
    set_up,
)
from tests.flows.helpers import (
    discovered,
    next_form,
    placeholders,
    read_texts,
    start,
    submit,
)
from tests.netatmo_control import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_USER,
    NetatmoControl,
)
from tests.simulator_client import SimulatorClient

from .signing_in import SigningIn

OTHER_CLIENT = "another-client-id"
OTHER_SECRET = "another-client-secret"
CAMERA_USER = "camera@example.com"

pytestmark = pytest.mark.usefixtures("current_request_with_host")


@pytest.fixture
async def signing_in(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    netatmo: NetatmoControl,
    hass_client_no_auth: ClientSessionGenerator,
) -> SigningIn:
    """Return a browser, in a Home Assistant that has one application."""
    await netatmo_credential(hass)
    # The tests' server takes no new routes once it runs, as Home Assistant's own does.
    assert await async_setup_component(hass, DOMAIN, {})
    return SigningIn(hass, netatmo, hass_client_no_auth)


@pytest.fixture
async def account(hass: HomeAssistant, signing_in: SigningIn) -> MockConfigEntry:
    """Return an account that is set up."""
    entry = netatmo_account_entry(signing_in.netatmo)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED
    return entry


async def other_application(hass: HomeAssistant, netatmo: NetatmoControl) -> str:
    """Add another application at the vendor's and here."""
    netatmo.settings(client={"id": OTHER_CLIENT, "secret": OTHER_SECRET})
    return await netatmo_credential(hass, OTHER_CLIENT, OTHER_SECRET)


def accounts(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the Netatmo accounts."""
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.data.get("kind") == "netatmo"
    ]


def no_secret_in(text: str, entry: ConfigEntry | None = None) -> bool:
    """Return whether a text holds no credential."""
    secrets = [NETATMO_CLIENT_SECRET, OTHER_SECRET, "simulated-access", "-refresh"]
    token: dict[str, Any] = {} if entry is None else entry.data["token"]
    secrets += [token[key] for key in ("access_token", "refresh_token") if key in token]
    return not any(secret in text for secret in secrets)


def log_everything(caplog: pytest.LogCaptureFixture) -> None:
    """Log what anybody may log, but for the recorder, which logs from its own thread."""
    caplog.set_level("DEBUG")
    caplog.set_level("WARNING", "homeassistant.components.recorder")


# Adding an account


async def test_signing_in_makes_an_account_and_leads_into_its_homes(
    hass: HomeAssistant,
    signing_in: SigningIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Signing in makes an account, named by its user, and its homes ask where they belong."""
    log_everything(caplog)
    step = await start(hass, "netatmo")
    address = urlsplit(step["url"])
    assert dict(parse_qsl(address.query)) | {"state": ""} == {
        "response_type": "code",
        "client_id": NETATMO_CLIENT_ID,
        "redirect_uri": "https://example.com/auth/external/callback",
        "scope": "read_thermostat write_thermostat",
        "state": "",
    }
    assert f"{address.scheme}://{address.netloc}" == signing_in.netatmo.simulator.url

    result = await signing_in.sign_in(step)

    user_id = signing_in.netatmo.overview()["users"][NETATMO_USER]["id"]
    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.title == f"Netatmo {user_id[-4:]}"
    assert entry.unique_id == f"netatmo_{user_id}"
    assert set(entry.data) == {"kind", "auth_implementation", "token"}
    assert entry.data["kind"] == "netatmo"
    assert entry.data["auth_implementation"] == DOMAIN
    good = signing_in.netatmo.overview()["users"][NETATMO_USER]["refresh_tokens"]
    assert entry.data["token"]["refresh_token"] in good
    assert entry.state is ConfigEntryState.LOADED
    assert len(discovered(hass)) == 2
    form = await next_form(hass, result)
    assert form["step_id"] == "assign_heating"
    assert placeholders(form)["netatmo_home"] == "Elm Street"
    assert no_secret_in(caplog.text, entry)


async def test_without_an_application_one_is_asked_for(
    hass: HomeAssistant, cloud: SimulatorClient, netatmo: NetatmoControl
) -> None:
    """Where there is no application Home Assistant asks for one, with a description."""
    result = await start(hass, "netatmo")

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "missing_credentials"


async def test_applications_that_cannot_be_had_now(
    hass: HomeAssistant, cloud: SimulatorClient, netatmo: NetatmoControl
) -> None:
    """Where applications come from somewhere that is down the flow says so."""

    async def unavailable(hass: HomeAssistant, domain: str) -> list[Any]:
        """Be down."""
        raise ImplementationUnavailableError("down")

    async_add_implementation_provider(hass, "somewhere", unavailable)
    result = await start(hass, "netatmo")

    assert result["reason"] == "oauth_implementation_unavailable"


async def test_of_two_applications_one_is_chosen(
    hass: HomeAssistant, signing_in: SigningIn
) -> None:
    """With two applications the user says which one asks."""
    implementation = await other_application(hass, signing_in.netatmo)
    form = await start(hass, "netatmo")
    assert form["step_id"] == "pick_implementation"

    step = await submit(hass, form, implementation=implementation)
    result = await signing_in.sign_in(step)

    assert result["result"].data["auth_implementation"] == implementation
    assert signing_in.netatmo.calls_of_client(OTHER_CLIENT)["homesdata"] >= 1


async def test_refusing_at_the_vendor_ends_the_flow(
    hass: HomeAssistant, signing_in: SigningIn
) -> None:
    """Who says no comes back to a message, and nothing is saved."""
    result = await signing_in.refuse(await start(hass, "netatmo"))

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "user_rejected_authorize"
    assert placeholders(result) == {"error": "access_denied"}
    assert accounts(hass) == []


@pytest.mark.parametrize("command", ["token", "homesdata"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [("usage_403", "netatmo_quota"), ("http_502", "netatmo_outage")],
)
async def test_an_outage_can_be_sat_out(
    hass: HomeAssistant,
    signing_in: SigningIn,
    caplog: pytest.LogCaptureFixture,
    command: str,
    fault: str,
    error: str,
) -> None:
    """What is out of order is said, and trying again needs no other signing in."""
    log_everything(caplog)
    step = await start(hass, "netatmo")
    signing_in.netatmo.simulator.fault(fault, command)
    form = await signing_in.sign_in(step)
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == "try_again"
    assert form["errors"] == {"base": error}
    form = await submit(hass, form)
    assert form["errors"] == {"base": error}
    assert accounts(hass) == []

    signing_in.netatmo.simulator.clear_faults()
    result = await submit(hass, form)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert no_secret_in(caplog.text, result["result"])


async def test_nonsense_is_said(hass: HomeAssistant, signing_in: SigningIn) -> None:
    """A reply without homes that make sense is told from an outage."""
    step = await start(hass, "netatmo")
    signing_in.netatmo.simulator.fault("body_list", "homesdata")
    form = await signing_in.sign_in(step)
    assert form["errors"] == {"base": "netatmo_nonsense"}


async def test_a_refused_sign_in_ends_the_flow(
    hass: HomeAssistant, signing_in: SigningIn
) -> None:
    """The vendor's own refusal names the application that it is about."""
    step = await start(hass, "netatmo")
    signing_in.netatmo.simulator.fault("invalid_grant", "token")
    result = await signing_in.sign_in(step)

    assert result["reason"] == "sign_in_refused"
    assert no_secret_in(str(result))
    assert accounts(hass) == []


async def test_a_scope_that_the_vendor_misses_is_said(
    hass: HomeAssistant, signing_in: SigningIn
) -> None:
    """Where the sign-in allows too little, what is missing is named."""
    step = await start(hass, "netatmo")
    step["url"] = step["url"].replace("+write_thermostat", "")
    result = await signing_in.sign_in(step)
    assert result["reason"] == "missing_scope"
    assert placeholders(result) == {"scopes": "write_thermostat"}

    step = await start(hass, "netatmo")
    signing_in.netatmo.simulator.fault("scope", "homesdata", count=1)
    result = await signing_in.sign_in(step)
    assert result["reason"] == "missing_scope"
    assert placeholders(result) == {"scopes": "read_thermostat, write_thermostat"}
    assert accounts(hass) == []


@pytest.mark.parametrize(
    ("homes", "named"),
    [([], "-"), ([{"name": "Garden shed", "rooms": []}], "Garden shed")],
)
async def test_an_account_that_heats_nothing_is_refused(
    hass: HomeAssistant,
    signing_in: SigningIn,
    homes: list[dict[str, Any]],
    named: str,
) -> None:
    """An account without a thermostat or valve is not added, and its homes are named."""
    signing_in.netatmo.add_account(CAMERA_USER, "camera-refresh", homes)
    result = await signing_in.sign_in(await start(hass, "netatmo"), CAMERA_USER)

    assert result["reason"] == "no_heating"
    assert placeholders(result)["homes"] == named
    assert accounts(hass) == []


async def test_an_account_that_the_vendor_finds_nothing_for(
    hass: HomeAssistant, signing_in: SigningIn
) -> None:
    """A vendor that says "device not found" has no home for us."""
    step = await start(hass, "netatmo")
    signing_in.netatmo.simulator.fault("device_not_found", "homesdata", count=1)
    result = await signing_in.sign_in(step)

    assert result["reason"] == "no_heating"
    assert placeholders(result) == {"account": "Netatmo", "homes": "-"}


async def test_a_known_account_takes_its_newest_tokens(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """Signing in twice makes no second account; what the vendor voided is not kept."""
    before = account.data["token"]["refresh_token"]
    result = await signing_in.sign_in(await start(hass, "netatmo"))

    assert result["reason"] == "already_configured"
    assert placeholders(result) == {"account": account.title}
    assert accounts(hass) == [account]
    assert account.data["token"]["refresh_token"] != before
    assert account.state is ConfigEntryState.LOADED
    assert await async_find(hass, before) is account


async def test_a_disabled_account_takes_its_newest_tokens_and_stays_so(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """An account that somebody disabled is not started by signing in."""
    await hass.config_entries.async_set_disabled_by(
        account.entry_id, ConfigEntryDisabler.USER
    )
    before = account.data["token"]["refresh_token"]
    result = await signing_in.sign_in(await start(hass, "netatmo"))

    assert result["reason"] == "already_configured"
    assert account.data["token"]["refresh_token"] != before
    assert account.state is ConfigEntryState.NOT_LOADED


async def test_a_known_account_keeps_its_application(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """Signing in with another application changes nothing of a known account."""
    implementation = await other_application(hass, signing_in.netatmo)
    before = dict(account.data)
    form = await start(hass, "netatmo")
    step = await submit(hass, form, implementation=implementation)
    result = await signing_in.sign_in(step)

    assert result["reason"] == "already_configured"
    assert account.data == before


# Signing in again


async def start_reauth(
    hass: HomeAssistant, account: MockConfigEntry
) -> ConfigFlowResult:
    """Start the flow that asks for signing in again."""
    form = await account.start_reauth_flow(hass)
    assert form["step_id"] == "reauth_netatmo"
    assert placeholders(form)["account"] == account.title
    return await submit(hass, form)


async def test_signing_in_again(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """Signing in again gives the account new tokens and starts it again."""
    signing_in.netatmo.revoke()
    before = account.data["token"]["refresh_token"]
    result = await signing_in.sign_in(await start_reauth(hass, account))

    assert result["reason"] == "reauth_successful"
    assert account.data["token"]["refresh_token"] != before
    assert account.state is ConfigEntryState.LOADED
    assert await async_find(hass, before) is account


async def test_signing_in_to_another_account_is_refused_with_both_names(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """Tokens of another account are not taken."""
    before = dict(account.data)
    result = await signing_in.sign_in(
        await start_reauth(hass, account), NETATMO_TERRACE_USER
    )

    other = netatmo_account_id(signing_in.netatmo, NETATMO_TERRACE_USER)
    assert result["reason"] == "wrong_account"
    assert placeholders(result) == {
        "account": account.title,
        "other": f"Netatmo {other[-4:]}",
    }
    assert account.data == before


async def test_signing_in_to_the_wrong_account_does_not_break_that_one(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """An account that somebody signed in to by mistake gets the tokens that are its own."""
    other = netatmo_account_entry(signing_in.netatmo, NETATMO_TERRACE_USER)
    await set_up(hass, other)
    before = other.data["token"]["refresh_token"]
    result = await signing_in.sign_in(
        await start_reauth(hass, account), NETATMO_TERRACE_USER
    )

    assert result["reason"] == "wrong_account"
    assert other.data["token"]["refresh_token"] != before
    assert other.state is ConfigEntryState.LOADED


async def test_signing_in_again_without_the_application(
    hass: HomeAssistant, signing_in: SigningIn
) -> None:
    """Where the account's application is gone another one can be chosen."""
    entry = netatmo_account_entry(signing_in.netatmo, implementation="gone")
    await set_up(hass, entry)
    assert entry.state.value == "setup_error"
    assert entry.error_reason_translation_key == "application_gone"
    (flow,) = hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": "reauth"}
    )
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])
    step = await submit(hass, form)
    result = await signing_in.sign_in(step)

    assert result["reason"] == "reauth_successful"
    assert entry.data["auth_implementation"] == DOMAIN
    assert entry.state is ConfigEntryState.LOADED


async def test_another_application_by_reconfiguring(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """An account goes on with another application."""
    implementation = await other_application(hass, signing_in.netatmo)
    form = await account.start_reconfigure_flow(hass)
    read_texts("config", form)
    assert form["step_id"] == "pick_implementation"
    step = await submit(hass, form, implementation=implementation)
    result = await signing_in.sign_in(step)

    assert result["reason"] == "reconfigure_successful"
    assert account.data["auth_implementation"] == implementation
    assert account.state is ConfigEntryState.LOADED
    assert signing_in.netatmo.calls_of_client(OTHER_CLIENT)["homesdata"] >= 2


async def test_an_account_that_is_known_by_its_home(
    hass: HomeAssistant, signing_in: SigningIn
) -> None:
    """An account whose user the vendor did not tell is known by a home that it has."""
    elm = signing_in.netatmo.home_id("Elm Street")
    entry = netatmo_account_entry(signing_in.netatmo)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=f"Netatmo {elm[-4:]}",
        unique_id=f"netatmo_home_{elm}",
        data=entry.data,
    )
    await set_up(hass, entry)
    result = await signing_in.sign_in(await start_reauth(hass, entry))
    assert result["reason"] == "reauth_successful"

    result = await signing_in.sign_in(
        await start_reauth(hass, entry), NETATMO_TERRACE_USER
    )
    assert result["reason"] == "wrong_account"


# What depends on it


async def test_a_home_in_use_survives_signing_in_again(
    hass: HomeAssistant, signing_in: SigningIn, account: MockConfigEntry
) -> None:
    """A heated home is not set up again because its account signed in again."""
    home = home_entry(
        "Elm",
        heating_subentry(
            heating_source(
                signing_in.netatmo,
                "Elm Street",
                netatmo_revision(
                    account.unique_id or "", signing_in.netatmo.home_id("Elm Street")
                ),
            )
        ),
    )
    await set_up(hass, home)
    runtime = home.runtime_data
    await signing_in.sign_in(await start_reauth(hass, account))

    assert home.state is ConfigEntryState.LOADED
    assert home.runtime_data is runtime
