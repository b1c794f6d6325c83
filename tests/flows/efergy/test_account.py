"""Accounts: adding, every refusal and what follows it, reauthentication, another server."""

from hashlib import sha256

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.energy_homes.const import DOMAIN
from tests.builders import (
    account_entry,
    efergy_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.flows.helpers import (
    ELM_ACCOUNT,
    MILL_ACCOUNT,
    MILL_GRID,
    next_form,
    placeholders,
    start,
    submit,
    suggested,
)
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, SimulatorClient

SECRET = "not-a-token-of-anybody"


async def test_account_is_checked_and_leads_into_its_meter(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """A right token makes an account, and its meter asks for a home at once."""
    form = await start(hass, "efergy")
    result = await submit(hass, form, token=f" {MILL_TOKEN} ", server="energyhive")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert entry.title == "Efergy 0311"
    assert entry.unique_id == MILL_ACCOUNT
    assert entry.data == {"kind": "efergy", "token": MILL_TOKEN, "server": "energyhive"}
    assert entry.state is ConfigEntryState.LOADED
    assign = await next_form(hass, result)
    assert assign["step_id"] == "assign"
    assert placeholders(assign)["meter"] == f"Efergy {MILL_GRID}"


async def test_another_server(hass: HomeAssistant, cloud: SimulatorClient) -> None:
    """An account of another server keeps that server's address."""
    form = await start(hass, "efergy")
    result = await submit(
        hass, form, token=MILL_TOKEN, server="other", url=f"{cloud.url}/"
    )

    assert result["result"].data["url"] == cloud.url


@pytest.mark.parametrize(
    ("fault", "field", "error"),
    [
        ("bad_token", "token", "invalid_token"),
        ("daily_limit", "base", "quota"),
        ("http_503", "base", "cannot_connect"),
        ("garbage", "base", "nonsense"),
        ("stale", "base", "no_meter"),
        ("empty_list", "base", "no_meter"),
    ],
)
async def test_refused_account_goes_on(
    hass: HomeAssistant, cloud: SimulatorClient, fault: str, field: str, error: str
) -> None:
    """Whatever is wrong is said, nothing is saved, and the flow goes on."""
    form = await start(hass, "efergy")
    cloud.fault(fault, token=MILL_TOKEN)
    form = await submit(hass, form, token=MILL_TOKEN, server="energyhive")

    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {field: error}
    assert suggested(form) == {"server": "energyhive"}
    assert hass.config_entries.async_entries(DOMAIN) == []

    cloud.clear_faults()
    result = await submit(hass, form, token=MILL_TOKEN, server="energyhive")
    assert result["type"] is FlowResultType.CREATE_ENTRY


REFUSED_INPUT: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"token": "  "}, {"token": "token_needed"}),
    ({"server": "other"}, {"url": "url_needed"}),
    ({"server": "other", "url": "ftp://127.0.0.1"}, {"url": "invalid_url"}),
    ({"server": "other", "url": "127.0.0.1:80"}, {"url": "invalid_url"}),
    ({"server": "other", "url": "http://[nowhere"}, {"url": "invalid_url"}),
    ({"server": "other", "url": "http://a:b@127.0.0.1"}, {"url": "invalid_url"}),
    ({"server": "other", "url": "http://127.0.0.1/?x=1"}, {"url": "invalid_url"}),
]


async def test_refused_input_asks_nobody(
    hass: HomeAssistant, cloud: SimulatorClient, subtests: pytest.Subtests
) -> None:
    """What cannot be an account is refused without a call."""
    form = await start(hass, "efergy")
    for fields, errors in REFUSED_INPUT:
        with subtests.test(str(fields)):
            form = await submit(hass, form, **{"token": MILL_TOKEN, **fields})
            assert form["errors"] == errors

    assert cloud.calls(MILL_TOKEN) == {}
    result = await submit(hass, form, token=MILL_TOKEN, server="engage")
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_same_account_twice(hass: HomeAssistant, cloud: SimulatorClient) -> None:
    """The same token, or another one of the same household, is no second account."""
    await set_up(hass, account_entry(MILL_TOKEN, MILL_ACCOUNT))
    cloud.clear_calls()

    result = await submit(hass, await start(hass, "efergy"), token=MILL_TOKEN)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"
    assert placeholders(result) == {"account": "Efergy"}
    assert cloud.calls(MILL_TOKEN) == {}

    cloud.add_account("second-token", MILL_ACCOUNT[7:], [{"sid": "9", "role": "grid"}])
    result = await submit(hass, await start(hass, "efergy"), token="second-token")
    assert result["reason"] == "already_configured"
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


async def test_account_that_hides_its_id(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Where the vendor does not tell the household, the token's fingerprint stands in."""
    cloud.fault("method_failed", command="getStatus")
    result = await submit(hass, await start(hass, "efergy"), token=MILL_TOKEN)

    fingerprint = sha256(MILL_TOKEN.encode()).hexdigest()[:16]
    assert result["result"].unique_id == f"efergy_{fingerprint}"


async def test_readded_account_finds_its_home(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Nothing is asked where all meters of a new account have a home already."""
    home = home_entry(
        "Mill", meter_subentry("s", efergy_revision(MILL_ACCOUNT, MILL_GRID))
    )
    await set_up(hass, home)

    result = await submit(hass, await start(hass, "efergy"), token=MILL_TOKEN)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result


async def test_reauth(
    hass: HomeAssistant, cloud: SimulatorClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A new token of the same account is taken; another account's is not."""
    entry = account_entry("old-token", MILL_ACCOUNT)
    entry.add_to_hass(hass)
    form = await entry.start_reauth_flow(hass)
    assert form["step_id"] == "reauth_confirm"

    form = await submit(hass, form, token=SECRET)
    assert form["errors"] == {"token": "invalid_token"}
    form = await submit(hass, form, token=ELM_TOKEN)
    assert form["errors"] == {"token": "wrong_account"}
    assert placeholders(form)["other"] == "Efergy e1a5"
    assert entry.data["token"] == "old-token"

    result = await submit(hass, form, token=MILL_TOKEN)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reauth_successful"
    assert entry.data["token"] == MILL_TOKEN
    assert entry.unique_id == MILL_ACCOUNT
    assert entry.state is ConfigEntryState.LOADED
    assert SECRET not in caplog.text


async def test_reauth_of_an_account_without_id(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """An account that is named after its token is known by its meters."""
    fingerprint = sha256(b"old-token").hexdigest()[:16]
    entry = account_entry("old-token", f"efergy_{fingerprint}")
    home = home_entry(
        "Mill", meter_subentry("s", efergy_revision(f"efergy_{fingerprint}", MILL_GRID))
    )
    entry.add_to_hass(hass)
    home.add_to_hass(hass)
    form = await entry.start_reauth_flow(hass)

    form = await submit(hass, form, token=ELM_TOKEN)
    assert form["errors"] == {"token": "wrong_account"}
    result = await submit(hass, form, token=MILL_TOKEN)
    assert result["reason"] == "reauth_successful"
    assert entry.unique_id == f"efergy_{fingerprint}"


async def test_reauth_of_an_account_that_nobody_knows(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Without an id and without a known meter any account's token is taken."""
    entry = account_entry(
        "old-token", f"efergy_{sha256(b'old-token').hexdigest()[:16]}"
    )
    entry.add_to_hass(hass)

    result = await submit(hass, await entry.start_reauth_flow(hass), token=ELM_TOKEN)
    assert result["reason"] == "reauth_successful"


async def test_token_of_a_loaded_account_that_hides_its_id(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """The meters that a loaded account reports tell whose token it is."""
    entry = account_entry(MILL_TOKEN, MILL_ACCOUNT)
    await set_up(hass, entry)
    cloud.fault("method_failed", command="getStatus")

    form = await submit(hass, await entry.start_reauth_flow(hass), token=ELM_TOKEN)
    assert form["errors"] == {"token": "wrong_account"}
    result = await submit(hass, form, token=MILL_TOKEN)
    assert result["reason"] == "reauth_successful"


async def test_reconfigure(hass: HomeAssistant, cloud: SimulatorClient) -> None:
    """The server can be changed without the token, and the token without the account."""
    entry = account_entry(MILL_TOKEN, MILL_ACCOUNT)
    await set_up(hass, entry)
    form = await entry.start_reconfigure_flow(hass)
    assert form["step_id"] == "reconfigure_efergy"
    assert suggested(form) == {"server": "engage"}

    form = await submit(hass, form, server="other", url="http://127.0.0.1:9")
    assert form["errors"] == {"base": "cannot_connect"}
    assert suggested(form) == {"server": "other", "url": "http://127.0.0.1:9"}
    form = await submit(hass, form, server="other", url=cloud.url, token=ELM_TOKEN)
    assert form["errors"] == {"token": "wrong_account"}
    assert entry.data["server"] == "engage"

    result = await submit(hass, form, server="other", url=cloud.url)
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {
        "kind": "efergy",
        "token": MILL_TOKEN,
        "server": "other",
        "url": cloud.url,
    }
    assert entry.state is ConfigEntryState.LOADED


async def test_accounts_have_no_subentries(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Meters are added to homes, not to accounts."""
    entry = account_entry(ELM_TOKEN, ELM_ACCOUNT)
    entry.add_to_hass(hass)
    assert entry.supported_subentry_types == {}
    flow = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert flow["type"] is FlowResultType.MENU
