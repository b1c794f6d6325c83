"""Many heated homes in one call, from one refresh token."""

from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ImplementationUnavailableError
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    async_add_implementation_provider,
)
from homeassistant.util import dt as dt_util
import pytest
import voluptuous as vol

from custom_components.energy_homes.const import DOMAIN, SUBENTRY_HEATING
from custom_components.energy_homes.models import HeatingSource
from simulator.scenario import (
    NETATMO_ODD_REFRESH_TOKEN,
    NETATMO_ODD_USER,
    NETATMO_TERRACE_REFRESH_TOKEN,
)
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
from tests.flows.helpers import POWER, discovered, homes, import_homes
from tests.netatmo_control import (
    NETATMO_CLIENT_ID,
    NETATMO_REFRESH_TOKEN,
    NetatmoControl,
)
from tests.simulator_client import MILL_TOKEN, SimulatorClient

ELM = "Elm Street"
MILL = "Mill Cottage"
GIVEN = {"refresh_token": NETATMO_REFRESH_TOKEN}
OTHER_CLIENT = "another-client-id"
OTHER_SECRET = "another-client-secret"


def result(
    home: str, outcome: str, heating: str | None = None, *meters: str
) -> dict[str, Any]:
    """Return the answer for a home that did not fail."""
    answer: dict[str, Any] = {"home": home, "result": outcome, "meters": list(meters)}
    return answer if heating is None else {**answer, "heating": heating}


@pytest.fixture
async def ready(
    hass: HomeAssistant, cloud: SimulatorClient, netatmo: NetatmoControl
) -> NetatmoControl:
    """Return the cloud of a Home Assistant that has our actions and an application."""
    await netatmo_credential(hass)
    await set_up(hass, home_entry("Attic"))
    return netatmo


def heating(home: ConfigEntry) -> HeatingSource:
    """Return the only heating of a home."""
    (subentry,) = home.get_subentries_of_type(SUBENTRY_HEATING)
    return HeatingSource.from_subentry(subentry)


def account(hass: HomeAssistant) -> ConfigEntry:
    """Return the only Netatmo account."""
    (entry,) = [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.data.get("kind") == "netatmo"
    ]
    return entry


async def test_many_homes_with_one_refresh_token(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """One token makes the account and its homes; the same call again changes nothing."""
    items: tuple[dict[str, Any], ...] = (
        {"label": "mill cottage", "netatmo": GIVEN},
        {
            "label": "Flat",
            "netatmo": {**GIVEN, "home": " elm STREET"},
            "efergy": {"token": MILL_TOKEN},
            "since": "2026-10-01",
        },
    )
    assert await import_homes(hass, *items) == [
        result("mill cottage", "created", "Heating"),
        result("Flat", "created", "Heating", "Electricity meter"),
    ]
    assert ready.calls()["token"] == 1
    entry = account(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.unique_id == netatmo_account_id(ready)
    assert entry.title == f"Netatmo {entry.unique_id[-4:]}"
    assert entry.data["auth_implementation"] == DOMAIN
    assert entry.data["token"]["refresh_token"] != NETATMO_REFRESH_TOKEN
    mill, flat = homes(hass)["mill cottage"], homes(hass)["Flat"]
    assert heating(mill).revisions == (
        netatmo_revision(entry.unique_id, ready.home_id(MILL), dt_util.utcnow()),
    )
    assert mill.data["time_zone"] == "Europe/London"
    assert heating(flat).revisions == (
        netatmo_revision(
            entry.unique_id,
            ready.home_id(ELM),
            # Midnight in London, which has the Netatmo home.
            dt_util.parse_datetime("2026-10-01T00:00:00+01:00", raise_on_error=True),
        ),
    )
    assert [room.name for room in heating(flat).rooms] == list(ready.rooms(ELM))
    assert discovered(hass) == []

    before = [entry.as_dict() for entry in hass.config_entries.async_entries(DOMAIN)]
    asked = ready.calls()["token"]
    ready.simulator.fault("http_502")
    assert await import_homes(hass, *items) == [
        result("mill cottage", "exists"),
        result("Flat", "exists"),
    ]
    after = [entry.as_dict() for entry in hass.config_entries.async_entries(DOMAIN)]
    assert after == before
    assert ready.calls()["token"] == asked


async def test_home_that_is_there(hass: HomeAssistant, ready: NetatmoControl) -> None:
    """A home that is there gets what it has not; its time zone and its names stay."""
    hass.states.async_set("sensor.clamp", "1", POWER)
    meter = {"entity": "sensor.clamp", "name": "heating"}
    (answer,) = await import_homes(
        hass,
        {
            "label": "ATTIC",
            "meters": [meter],
            "netatmo": {**GIVEN, "home": ready.home_id(ELM)},
        },
    )
    assert answer == result("Attic", "updated", "Heating 2", "heating")
    (answer,) = await import_homes(
        hass, {"label": "Attic", "netatmo": {**GIVEN, "home": MILL}}
    )
    assert answer == result("Attic", "updated", "Heating 3")
    # One of the account's is enough where none is named.
    assert await import_homes(hass, {"label": "Attic", "netatmo": GIVEN}) == [
        result("Attic", "exists")
    ]


async def test_account_that_is_there(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """An account is named by its title or unique id, so that no token is written."""
    entry = netatmo_account_entry(ready)
    await set_up(hass, entry)
    by_title = {"account": f" {entry.title.upper()}"}
    by_id = {"account": entry.unique_id, "home": ready.home_id(MILL)}
    items = ({"label": ELM, "netatmo": by_title}, {"label": "Mill", "netatmo": by_id})
    assert await import_homes(hass, *items) == [
        result(ELM, "created", "Heating"),
        result("Mill", "created", "Heating"),
    ]
    assert await import_homes(hass, *items) == [
        result(ELM, "exists"),
        result("Mill", "exists"),
    ]
    assert "token" not in ready.calls()


async def test_refused_homes_say_why(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """Names that nobody has, homes that nobody can choose between, and those taken."""
    await set_up(hass, netatmo_account_entry(ready))
    title = account(hass).title
    answers = await import_homes(
        hass,
        {"label": "X", "netatmo": {"account": "Netatmo 1234"}},
        {"label": "X", "netatmo": {"account": title}},
        {"label": "X", "netatmo": {"account": title, "home": "Villa"}},
        {"label": "One", "netatmo": {"account": title, "home": ELM}},
        {"label": "Two", "netatmo": {"account": title, "home": ELM}},
    )
    assert [answer.get("error") for answer in answers] == [
        "unknown_account",
        "netatmo_home_needed",
        "no_such_netatmo_home",
        None,
        "heating_used",
    ]
    assert title in answers[0]["message"]
    for answer in answers[1:3]:
        assert f"{ELM} ({ready.home_id(ELM)})" in answer["message"]
        assert f"{MILL} ({ready.home_id(MILL)})" in answer["message"]
    assert "“Villa”" in answers[2]["message"]
    assert "“One”" in answers[4]["message"]
    assert set(homes(hass)) == {"Attic", "One"}


async def test_token_of_a_home_that_failed_is_not_lost(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """A token that was spent in vain serves the next home, and the next call."""
    nowhere = {**GIVEN, "home": "Nowhere"}
    (first,) = await import_homes(hass, {"label": "X", "netatmo": nowhere})
    assert first["error"] == "no_such_netatmo_home"
    first, second = await import_homes(
        hass, {"label": "X", "netatmo": nowhere}, {"label": ELM, "netatmo": GIVEN}
    )
    assert first["error"] == "no_such_netatmo_home"
    assert second == result(ELM, "created", "Heating")
    assert ready.calls()["token"] == 1


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"refresh_token": " "}, "refresh_token_needed"),
        ({"refresh_token": "no-such-token"}, "invalid_refresh_token"),
        ({**GIVEN, "client_id": "no-such-client"}, "unknown_application"),
    ],
)
async def test_refused_tokens(
    hass: HomeAssistant,
    ready: NetatmoControl,
    caplog: pytest.LogCaptureFixture,
    given: dict[str, str],
    error: str,
) -> None:
    """What cannot be used is refused without being quoted, once for all homes of it."""
    answers = await import_homes(
        hass, {"label": "X", "netatmo": given}, {"label": "Y", "netatmo": given}
    )
    assert [answer["error"] for answer in answers] == [error, error]
    assert "no-such-token" not in str(answers)
    # Home Assistant itself tells of every action and its data, where it is asked to.
    core = ("homeassistant.core", "homeassistant.components.recorder")
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(core)]
    assert NETATMO_REFRESH_TOKEN not in str(answers) + "\n".join(ours)
    assert len([call for call in ready.log() if call[3] == "token"]) <= 1
    assert set(homes(hass)) == {"Attic"}


@pytest.mark.parametrize(
    ("command", "fault", "error"),
    [
        ("token", "usage_403", "netatmo_quota"),
        ("homesdata", "http_502", "netatmo_outage"),
        ("homesdata", "invalid_argument", "netatmo_nonsense"),
    ],
)
async def test_cloud_is_away(
    hass: HomeAssistant, ready: NetatmoControl, command: str, fault: str, error: str
) -> None:
    """A home whose account cannot be asked fails, and succeeds later with the same token."""
    ready.simulator.fault(fault, command)
    item = {"label": ELM, "netatmo": GIVEN}
    (answer,) = await import_homes(hass, item)
    assert answer["error"] == error
    assert set(homes(hass)) == {"Attic"}

    ready.simulator.clear_faults()
    assert await import_homes(hass, item) == [result(ELM, "created", "Heating")]


async def test_token_that_does_not_allow_enough(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """A token that may only read is refused, by what it says or by what the cloud says."""
    token = ready.tokens(scope=["read_thermostat"])
    item = {"label": ELM, "netatmo": {"refresh_token": token["refresh_token"]}}
    (answer,) = await import_homes(hass, item)
    assert answer["error"] == "netatmo_scope"
    assert "write_thermostat" in answer["message"]

    ready.simulator.fault("scope", "homesdata")
    (answer,) = await import_homes(hass, {"label": ELM, "netatmo": GIVEN})
    assert answer["error"] == "netatmo_scope"


async def test_account_that_heats_nothing(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """An account without anything that heats has nothing for a home."""
    ready.home("Manor", "remove")
    ready.home("Studio", "remove")
    (answer,) = await import_homes(
        hass,
        {"label": "X", "netatmo": {"refresh_token": NETATMO_ODD_REFRESH_TOKEN}},
    )
    assert answer["error"] == "nothing_heats"


async def test_only_home_that_heats(hass: HomeAssistant, ready: NetatmoControl) -> None:
    """Where one home heats it need not be named, whatever it is called."""
    ready.home("Studio", "remove")
    assert await import_homes(
        hass,
        {"label": "X", "netatmo": {"refresh_token": NETATMO_ODD_REFRESH_TOKEN}},
    ) == [result("X", "created", "Heating")]
    assert heating(homes(hass)["X"]).revisions[0].account == netatmo_account_id(
        ready, NETATMO_ODD_USER
    )


async def test_applications(
    hass: HomeAssistant, cloud: SimulatorClient, netatmo: NetatmoControl
) -> None:
    """A token belongs to an application: none, one of several, the one that is named."""
    await set_up(hass, home_entry("Attic"))
    item = {"label": ELM, "netatmo": GIVEN}
    (answer,) = await import_homes(hass, item)
    assert answer["error"] == "no_application"

    netatmo.settings(client={"id": OTHER_CLIENT, "secret": OTHER_SECRET})
    await netatmo_credential(hass)
    await netatmo_credential(hass, OTHER_CLIENT, OTHER_SECRET)
    (answer,) = await import_homes(hass, item)
    assert answer["error"] == "application_needed"
    assert NETATMO_CLIENT_ID in answer["message"]
    assert OTHER_CLIENT in answer["message"]
    wrong, right = await import_homes(
        hass,
        {"label": ELM, "netatmo": {**GIVEN, "client_id": OTHER_CLIENT}},
        {"label": ELM, "netatmo": {**GIVEN, "client_id": NETATMO_CLIENT_ID}},
    )
    assert wrong["error"] == "invalid_refresh_token"
    assert right == result(ELM, "created", "Heating")
    # The application is known from now on.
    assert await import_homes(hass, {"label": MILL, "netatmo": GIVEN}) == [
        result(MILL, "created", "Heating")
    ]


async def test_application_of_somebody_else(
    hass: HomeAssistant, cloud: SimulatorClient
) -> None:
    """Where somebody who could have an application is away, there is none."""

    async def away(
        _hass: HomeAssistant, _domain: str
    ) -> list[AbstractOAuth2Implementation]:
        """Fail as a provider that cannot be asked does."""
        raise ImplementationUnavailableError

    await set_up(hass, home_entry("Attic"))
    async_add_implementation_provider(hass, "away", away)
    (answer,) = await import_homes(hass, {"label": ELM, "netatmo": GIVEN})
    assert answer["error"] == "no_application"


async def test_account_that_is_not_loaded(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """An account that is not loaded is asked with its own tokens, once for all homes."""
    entry = netatmo_account_entry(ready)
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    asked = ready.calls()["homesdata"]
    named = {"account": entry.unique_id}
    assert await import_homes(
        hass, {"label": ELM, "netatmo": named}, {"label": MILL, "netatmo": named}
    ) == [result(ELM, "created", "Heating"), result(MILL, "created", "Heating")]
    assert ready.calls()["homesdata"] == asked + 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [("http_502", "netatmo_outage"), ("app_deactivated", "netatmo_sign_in")],
)
async def test_account_that_is_not_loaded_and_cannot_be_asked(
    hass: HomeAssistant, ready: NetatmoControl, fault: str, error: str
) -> None:
    """What an account's cloud says against it is said of each of its homes."""
    entry = netatmo_account_entry(ready)
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    ready.simulator.fault(fault, "homesdata", count=1)
    named = {"account": entry.unique_id}
    answers = await import_homes(
        hass, {"label": ELM, "netatmo": named}, {"label": MILL, "netatmo": named}
    )
    assert [answer["error"] for answer in answers] == [error, error]


async def test_another_token_of_an_account_that_is_there(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """The account is found by what the cloud says, and has tokens that are good."""
    entry = netatmo_account_entry(ready)
    await set_up(hass, entry)
    before = entry.data["token"]["refresh_token"]
    item = {"label": ELM, "netatmo": GIVEN}
    assert await import_homes(hass, item) == [result(ELM, "created", "Heating")]
    assert account(hass) is entry
    assert entry.data["token"]["refresh_token"] not in {before, NETATMO_REFRESH_TOKEN}
    asked = ready.calls()["token"]
    assert await import_homes(hass, item) == [result(ELM, "exists")]
    assert ready.calls()["token"] == asked


async def test_account_of_another_application_keeps_its_tokens(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """What was got for one application does not replace what another one has."""
    ready.settings(client={"id": OTHER_CLIENT, "secret": OTHER_SECRET})
    implementation = await netatmo_credential(hass, OTHER_CLIENT, OTHER_SECRET)
    entry = netatmo_account_entry(ready, implementation=implementation)
    await set_up(hass, entry)
    before = dict(entry.data)
    item = {
        "label": ELM,
        "netatmo": {**GIVEN, "client_id": NETATMO_CLIENT_ID},
    }
    assert await import_homes(hass, item) == [result(ELM, "created", "Heating")]
    assert entry.data == before


async def test_lost_account_comes_back(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """An account that was removed is added again, and its home is what it was."""
    elm = home_entry("Elm", heating_subentry(heating_source(ready, ELM)))
    await set_up(hass, elm)
    before = heating(elm)
    item = {"label": "Elm", "netatmo": {**GIVEN, "home": ELM}}
    assert await import_homes(hass, item) == [result("Elm", "updated")]
    assert heating(elm) == before
    assert account(hass).unique_id == netatmo_account_id(ready)
    assert discovered(hass) == [f"{netatmo_account_id(ready)}_{ready.home_id(MILL)}"]


async def test_home_whose_other_half_fails(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """Where the meter cannot be had, the heating is not added either."""
    (answer,) = await import_homes(
        hass,
        {"label": ELM, "netatmo": GIVEN, "efergy": {"token": "no-such-token"}},
    )
    assert answer["error"] == "invalid_token"
    assert set(homes(hass)) == {"Attic"}
    assert [e.data.get("kind") for e in hass.config_entries.async_entries(DOMAIN)] == [
        "home"
    ]


OF_ANOTHER_SHAPE: list[dict[str, str]] = [
    {},
    {"home": ELM},
    {"refresh_token": "t", "account": "a"},
    {"account": "a", "client_id": "c"},
    {"refresh_token": "t", "room": "Kitchen"},
]


async def test_items_of_another_shape(
    hass: HomeAssistant, ready: NetatmoControl, subtests: pytest.Subtests
) -> None:
    """What names no account, or two, is refused as a whole."""
    for named in OF_ANOTHER_SHAPE:
        with subtests.test(str(named)), pytest.raises(vol.Invalid):
            await import_homes(hass, {"label": "X", "netatmo": named})
    assert set(homes(hass)) == {"Attic"}


async def test_terrace_of_two_homes_by_their_labels(
    hass: HomeAssistant, ready: NetatmoControl
) -> None:
    """Homes that are called as at Netatmo's need no more than the token."""
    token = {"refresh_token": NETATMO_TERRACE_REFRESH_TOKEN}
    assert await import_homes(
        hass,
        {"label": "Terrace 1", "netatmo": token},
        {"label": "Terrace 2", "netatmo": token},
    ) == [
        result("Terrace 1", "created", "Heating"),
        result("Terrace 2", "created", "Heating"),
    ]
