"""The logbook says in words what was changed, until when and by whom."""

from collections.abc import Awaitable, Callable
import string
from types import SimpleNamespace
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from homeassistant.util.unit_system import (
    METRIC_SYSTEM,
    US_CUSTOMARY_SYSTEM,
    UnitSystem,
)
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.heating.model import HomeMode, SetpointMode
from custom_components.energy_homes.logbook import async_describe_events
from tests.entities.heated import call, heat

from .netatmo_control import NetatmoControl
from .simulator_client import SimulatorClient
from .source_keys import data_file
from .virtual import VirtualTime

pytestmark = pytest.mark.records

type Logbook = Callable[..., Awaitable[list[dict[str, Any]]]]

KITCHEN = "climate.elm_street_kitchen"


@pytest.fixture
async def elm_street(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    netatmo: NetatmoControl,
    virtual: VirtualTime,
) -> None:
    """Set up a heated home in a Home Assistant that keeps a logbook."""
    await hass.config.async_set_time_zone("Europe/London")
    assert await async_setup_component(hass, "logbook", {})
    await heat(hass, netatmo, virtual, "Elm Street")


@pytest.fixture
async def logbook(
    hass: HomeAssistant, elm_street: None, hass_ws_client: WebSocketGenerator
) -> Logbook:
    """Return how to ask the logbook for entries of the integration, as the frontend does."""
    client = await hass_ws_client()

    async def entries(**wanted: Any) -> list[dict[str, Any]]:
        """Return the entries of the day."""
        await async_wait_recording_done(hass)
        await client.send_json_auto_id(
            {
                "type": "logbook/get_events",
                "start_time": "2026-11-18T00:00:00Z",
                "end_time": "2026-11-19T00:00:00Z",
                **wanted,
            }
        )
        answer = await client.receive_json()
        assert answer["success"], answer
        return [entry for entry in answer["result"] if entry.get("domain") == DOMAIN]

    return entries


async def test_one_entry_per_change(hass: HomeAssistant, logbook: Logbook) -> None:
    """A user's change of one room is one entry, with the room's entity and the user."""
    anna = MockUser(id="0" * 32, name="Anna", is_owner=True).add_to_hass(hass)
    await call(
        hass,
        "climate.set_temperature",
        KITCHEN,
        temperature=17.5,
        context=Context(user_id=anna.id),
    )
    await call(hass, "climate.set_preset_mode", KITCHEN, preset_mode="boost")
    await call(
        hass, "select.select_option", "select.elm_street_heating_mode", option="away"
    )

    found = await logbook()

    assert [
        (entry["name"], entry["message"], entry["entity_id"]) for entry in found
    ] == [
        ("Elm Street Kitchen", "set to 17.5 °C by Anna", KITCHEN),
        ("Elm Street Kitchen", "set to boost until 11:01", KITCHEN),
        ("Elm Street Heating", "set to away", "select.elm_street_heating_mode"),
    ]
    assert found[0]["context_user_id"] == anna.id


async def test_a_rooms_own_logbook_has_its_changes(
    hass: HomeAssistant, logbook: Logbook
) -> None:
    """What is asked of one entity is found with it, and not with another room."""
    await call(hass, "climate.turn_off", KITCHEN)
    other = "climate.elm_street_office"

    (entry,) = await logbook(entity_ids=[KITCHEN])
    assert entry["message"] == "turned off"
    assert await logbook(entity_ids=[other]) == []


async def test_refused_is_not_logged(
    hass: HomeAssistant,
    logbook: Logbook,
    simulator: SimulatorClient,
) -> None:
    """Only what the API reports as done is logged."""
    simulator.fault("could_not_apply", "setroomthermpoint", count=1)
    with pytest.raises(HomeAssistantError):
        await call(hass, "climate.set_temperature", KITCHEN, temperature=23)

    assert await logbook() == []


# In words


@pytest.fixture
async def describe(
    recorder_mock: Recorder, hass: HomeAssistant
) -> Callable[..., dict[str, str | None]]:
    """Return what describes a change, in a Home Assistant in London."""
    await hass.config.async_set_time_zone("Europe/London")
    assert await async_setup_component(hass, DOMAIN, {})
    found: list[Callable[[Any], dict[str, str | None]]] = []
    async_describe_events(hass, lambda _domain, _event, how: found.append(how))

    def described(**change: Any) -> dict[str, str | None]:
        """Return the entry of a change."""
        data = {
            "entity_id": KITCHEN,
            "home": "Elm Street",
            "heating": "Heating",
            "room": "Kitchen",
            "time": "2026-06-18T20:30:00+00:00",
            "mode": None,
            "temperature": None,
            "until": None,
            "schedule": None,
            "who": None,
        }
        return found[0](SimpleNamespace(data=data | change))

    return described


MESSAGES: list[tuple[dict[str, Any], str]] = [
    (
        {
            "mode": "manual",
            "temperature": 21.0,
            "until": "2026-06-18T21:00:00+00:00",
            "who": "Anna",
        },
        "set to 21 °C until 22:00 by Anna",
    ),
    (
        {
            "mode": "away",
            "temperature": 16.0,
            "until": "2026-06-18T23:30:00+00:00",
        },
        "set to away until 2026-06-19 00:30",
    ),
    ({"mode": "off", "temperature": 7.0, "who": "Anna"}, "turned off by Anna"),
    ({"mode": "schedule", "temperature": 19.0}, "put back on schedule"),
    ({"mode": "frost_guard"}, "set to frost guard"),
    ({"mode": "max", "temperature": 30.0}, "set to boost"),
    ({"schedule": "Weekend"}, "switched to the schedule “Weekend”"),
    (
        {"mode": "schedule", "schedule": "{who}"},
        "switched to the schedule “{who}”",
    ),
]


async def test_messages(
    describe: Callable[..., dict[str, str | None]], subtests: pytest.Subtests
) -> None:
    """Each kind of change reads as a sentence after the room's name."""
    for change, message in MESSAGES:
        with subtests.test(message):
            assert describe(**change) == {
                "name": "Elm Street Kitchen",
                "message": message,
                "entity_id": KITCHEN,
            }


@pytest.mark.parametrize(
    ("units", "message"),
    [(METRIC_SYSTEM, "set to 20.5 °C"), (US_CUSTOMARY_SYSTEM, "set to 68.9 °F")],
)
async def test_temperatures_in_the_users_unit(
    hass: HomeAssistant,
    describe: Callable[..., dict[str, str | None]],
    units: UnitSystem,
    message: str,
) -> None:
    """Events carry °C; people read their own unit."""
    hass.config.units = units

    assert describe(mode="manual", temperature=20.5)["message"] == message


def test_every_mode_has_its_words() -> None:
    """Nothing that can be changed is without a text, and no text is left over."""
    texts = data_file("translations/en.json")["common"]
    modes = {mode.value for mode in (*SetpointMode, *HomeMode)}

    assert {key for key in texts if key.startswith("logbook_")} == {
        f"logbook_{key}" for key in (*modes, "select_schedule", "until", "by")
    }
    assert {
        key: {name for _, name, _, _ in string.Formatter().parse(text) if name}
        for key, text in texts.items()
        if key in {"logbook_manual", "logbook_until", "logbook_by"}
    } == {
        "logbook_manual": {"temperature"},
        "logbook_until": {"change", "until"},
        "logbook_by": {"change", "who"},
    }
