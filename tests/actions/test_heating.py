"""The actions for heating: what is sent, what is answered, and what is refused."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)
import voluptuous as vol

from custom_components.energy_homes.const import CONF_TIME_ZONE, DOMAIN
from tests.builders import (
    heating_source,
    heating_subentry,
    home_entry,
    netatmo_account_entry,
    netatmo_credential,
    set_up,
)
from tests.netatmo_control import NETATMO_USER, NetatmoControl
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

ELM, MILL = "Elm Street", "Mill Cottage"
FOREVER_S = 2147483647
COMMANDS = {"setroomthermpoint", "setstate", "setthermmode", "switchhomeschedule"}
PLACES = [
    f"{ELM}/Living room",
    f"{ELM}/Kitchen",
    f"{ELM}/Bedroom",
    f"{ELM}/Office",
    f"{MILL}/Hall",
    f"{MILL}/Lounge",
    f"{MILL}/Bedroom",
]


@pytest.fixture
async def account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    netatmo: NetatmoControl,
) -> MockConfigEntry:
    """Set up an account without homes."""
    await netatmo_credential(hass)
    account = netatmo_account_entry(netatmo)
    await set_up(hass, account)
    return account


@pytest.fixture
async def homes(
    account: MockConfigEntry,
    hass: HomeAssistant,
    virtual: VirtualTime,
    netatmo: NetatmoControl,
) -> dict[str, MockConfigEntry]:
    """Set up both demo homes in London and Helsinki, and a shed without heating."""
    homes = {
        ELM: home_entry(ELM, heating_subentry(heating_source(netatmo, ELM))),
        MILL: home_entry(MILL, heating_subentry(heating_source(netatmo, MILL))),
        "Shed": home_entry("Shed"),
    }
    await set_up(hass, *homes.values())
    hass.config_entries.async_update_entry(
        homes[MILL], data={**homes[MILL].data, CONF_TIME_ZONE: "Europe/Helsinki"}
    )
    await virtual.run(timedelta(minutes=1))
    return homes


async def ask(
    hass: HomeAssistant, action: str, context: Context | None = None, /, **data: object
) -> Any:
    """Call an action of ours and return its response."""
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True, context=context
    )


async def order(hass: HomeAssistant, action: str, /, **data: object) -> None:
    """Call an action of ours without asking for a response."""
    await hass.services.async_call(DOMAIN, action, data, blocking=True)


def commands(netatmo: NetatmoControl) -> list[str]:
    """Return the commands that the cloud has got."""
    return [method for _, _, _, method, _ in netatmo.log() if method in COMMANDS]


def setpoints(netatmo: NetatmoControl) -> Mapping[str, tuple[str, float, int]]:
    """Return what the cloud has every room of both homes set to."""
    return {place: netatmo.setpoint(*place.split("/")) for place in PLACES}


def end_s(instant: datetime) -> int:
    """Return an instant as the vendor has it."""
    return int(instant.timestamp())


# set_setpoint


@pytest.mark.usefixtures("homes")
async def test_a_temperature_sets_one_room(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """A temperature alone means manual; this room only; the answer says what holds."""
    before = dict(setpoints(netatmo))

    answer = await ask(
        hass, "set_setpoint", home=" elm street", room="KITCHEN ", temperature=15.7
    )

    assert answer == {
        ELM: {
            "room": "Kitchen",
            "mode": "manual",
            "temperature": 15.5,
            "until": None,
            "emulated": False,
            "changed": True,
        }
    }
    assert commands(netatmo) == ["setroomthermpoint"]
    assert setpoints(netatmo) == before | {
        f"{ELM}/Kitchen": ("manual", 15.5, FOREVER_S)
    }


WITH_AN_END: list[
    tuple[dict[str, Any], dict[str, Any], tuple[str, float, datetime]]
] = [
    (
        {"mode": "manual", "temperature": 15, "minutes": 45},
        {"mode": "manual", "temperature": 15.0, "emulated": False},
        ("manual", 15.0, datetime(2026, 11, 18, 10, 46, tzinfo=UTC)),
    ),
    (
        {"temperature": "24", "until": "2026-11-18T13:00:00+02:00"},
        {"mode": "manual", "temperature": 24.0, "emulated": False},
        ("manual", 24.0, datetime(2026, 11, 18, 11, tzinfo=UTC)),
    ),
    (
        {"mode": "max"},
        {"mode": "max", "temperature": 30.0, "emulated": True},
        ("manual", 30.0, datetime(2026, 11, 18, 11, 1, tzinfo=UTC)),
    ),
    (
        {"mode": "off", "minutes": 0.5},
        {"mode": "off", "temperature": 7.0, "emulated": True},
        ("manual", 7.0, datetime(2026, 11, 18, 10, 1, 30, tzinfo=UTC)),
    ),
    (
        {"mode": "away", "minutes": 600},
        {"mode": "away", "temperature": 14.0, "emulated": True},
        ("manual", 14.0, datetime(2026, 11, 18, 20, 1, tzinfo=UTC)),
    ),
    (
        {"mode": "frost_guard", "until": "2026-11-18T11:30:00"},
        {"mode": "frost_guard", "temperature": 7.0, "emulated": True},
        ("manual", 7.0, datetime(2026, 11, 18, 11, 30, tzinfo=UTC)),
    ),
]


@pytest.mark.usefixtures("homes")
async def test_modes_with_an_end(hass: HomeAssistant, netatmo: NetatmoControl) -> None:
    """Each mode ends when it was asked to; a valve emulates what it has not."""
    for data, answer, (mode, temperature, end) in WITH_AN_END:
        answered = await ask(hass, "set_setpoint", home=ELM, room="Bedroom", **data)

        assert answered == {
            ELM: {"room": "Bedroom", "until": end.isoformat(), "changed": True} | answer
        }
        assert netatmo.setpoint(ELM, "Bedroom") == (mode, temperature, end_s(end))


@pytest.mark.usefixtures("homes")
async def test_a_room_back_to_its_schedule(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """A room that is given back to its schedule leaves the others alone."""
    before = dict(setpoints(netatmo))
    await order(hass, "set_setpoint", home=ELM, room="Kitchen", mode="off")
    await order(hass, "set_setpoint", home=ELM, room="Office", mode="off")
    off = setpoints(netatmo)[f"{ELM}/Kitchen"]

    answer = await ask(hass, "set_setpoint", home=ELM, room="Office", mode="schedule")

    assert answer[ELM]["mode"] == "schedule"
    assert answer[ELM]["until"] is None
    assert setpoints(netatmo) == before | {f"{ELM}/Kitchen": off}


@pytest.mark.usefixtures("homes")
async def test_the_room_with_the_thermostat(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """A device stands for the room that contains it, in each of several homes.

    An end without an offset is the wall time of each home.
    """
    before = dict(setpoints(netatmo))
    data = {"device": "thermostat", "mode": "off", "until": "2026-11-18 18:00:00"}

    answer = await ask(hass, "set_setpoint", home=[ELM, MILL], **data)

    in_london = datetime(2026, 11, 18, 18, tzinfo=UTC)
    in_helsinki = datetime(2026, 11, 18, 16, tzinfo=UTC)
    off = {"mode": "off", "temperature": None, "emulated": False, "changed": True}
    assert answer == {
        ELM: off | {"room": "Living room", "until": in_london.isoformat()},
        MILL: off | {"room": "Hall", "until": in_helsinki.isoformat()},
    }
    after = dict(setpoints(netatmo))
    assert after.pop(f"{ELM}/Living room")[::2] == ("off", end_s(in_london))
    assert after.pop(f"{MILL}/Hall")[::2] == ("off", end_s(in_helsinki))
    assert after.items() <= before.items()


async def test_the_room_with_the_valve(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    netatmo: NetatmoControl,
) -> None:
    """The room with a valve is found also where a thermostat is in it too."""
    netatmo.add_home(
        NETATMO_USER,
        {
            "name": "Flat",
            "rooms": [
                {"name": "Front", "modules": ["NATherm1", "NRV"]},
                {"name": "Back", "modules": ["BNS"]},
            ],
            "history_days": 1,
        },
    )
    flat = home_entry("Flat", heating_subentry(heating_source(netatmo, "Flat")))
    await netatmo_credential(hass)
    await set_up(hass, netatmo_account_entry(netatmo), flat)
    await virtual.run(timedelta(minutes=1))

    answer = await ask(hass, "set_setpoint", device="valve", temperature=12)

    assert answer["Flat"]["room"] == "Front"
    assert netatmo.setpoint("Flat", "Front") == ("manual", 12.0, FOREVER_S)
    with pytest.raises(
        ServiceValidationError, match=r"“thermostat”: Front, Back\. Say"
    ):
        await order(hass, "set_setpoint", device="thermostat", temperature=12)


async def test_two_rooms_with_one_name(
    account: MockConfigEntry,
    hass: HomeAssistant,
    virtual: VirtualTime,
    netatmo: NetatmoControl,
) -> None:
    """Two heatings of a home may have a room of one name: then the heating tells them apart."""
    both = home_entry(
        "Estate",
        heating_subentry(heating_source(netatmo, ELM, name="House")),
        heating_subentry(heating_source(netatmo, MILL, name="Cottage")),
    )
    await set_up(hass, both)
    await virtual.run(timedelta(minutes=1))
    before = dict(setpoints(netatmo))

    with pytest.raises(
        ServiceValidationError,
        match=r"no room “Bedroom” in “Estate”.*House: Bedroom \(valve\).*Cottage: Bed",
    ):
        await order(hass, "set_setpoint", room="Bedroom", temperature=12)
    await order(hass, "set_setpoint", room="cottage: bedroom", temperature=12)
    await order(hass, "set_setpoint", room="Lounge", temperature=12)

    assert setpoints(netatmo) == before | {
        f"{MILL}/Bedroom": ("manual", 12.0, FOREVER_S),
        f"{MILL}/Lounge": ("manual", 12.0, FOREVER_S),
    }


BAD_SETPOINTS: list[tuple[dict[str, Any], str]] = [
    ({"room": "Kitchen"}, r"Modes: manual, max, off, schedule, away, frost_guard"),
    ({"room": "Kitchen", "mode": "manual"}, r"7.*30"),
    ({"room": "Kitchen", "temperature": 6.9}, r"6\.9.*7.*30"),
    ({"room": "Kitchen", "temperature": 30.1}, r"30\.1.*7.*30"),
    ({"room": "Kitchen", "temperature": "nan"}, r"nan.*7.*30"),
    ({"room": "Kitchen", "temperature": 20, "minutes": 0}, "0"),
    ({"room": "Kitchen", "temperature": 20, "minutes": -5}, "-5"),
    (
        {"room": "Kitchen", "temperature": 20, "until": "2026-11-18T10:00:59Z"},
        "2026-11-18T10:00:59",
    ),
    (
        {
            "room": "Kitchen",
            "temperature": 20,
            "minutes": 5,
            "until": "2026-11-19T10:00:00Z",
        },
        "minutes",
    ),
    ({"room": "Kitchen", "mode": "away", "temperature": 20}, "away"),
    ({"room": "Kitchen", "mode": "schedule", "minutes": 20}, "schedule"),
    (
        {"room": "Kitchen", "mode": "boost"},
        "boost.*manual, max, off, schedule, away, frost_guard",
    ),
    ({"temperature": 20}, r"which room.*Living room \(thermostat\).*Office \(va"),
    ({"room": "Kitchen", "device": "valve", "temperature": 20}, "either a room or"),
    (
        {"room": "Attic", "temperature": 20},
        r"“Attic” in “Elm Street”\. Rooms: Living room .*Kitchen .*Bedroom .*Office",
    ),
    (
        {"device": "boiler", "temperature": 20},
        "“boiler”. Choices: thermostat, valve",
    ),
    ({"device": "valve", "temperature": 20}, "“valve”: Kitchen, Bedroom, Office"),
    (
        {"home": "Shed", "room": "Kitchen", "temperature": 20},
        "No heating in “Shed”. Homes with heating: Elm Street, Mill Cottage",
    ),
    (
        {"home": ["Shed", ELM], "room": "Kitchen", "temperature": 20},
        "No heating in “Shed”",
    ),
    (
        {"home": [ELM, MILL], "room": "Kitchen", "temperature": 20},
        r"no room “Kitchen” in “Mill Cottage”. Rooms: Hall \(thermostat\), Lounge",
    ),
    ({"home": "Attic", "room": "Kitchen", "temperature": 20}, "no home “Attic”"),
    (
        {
            "home": [ELM, MILL],
            "room": "Bedroom",
            "temperature": 20,
            # It is half past twelve in Helsinki by then.
            "until": "2026-11-18 11:30:00",
        },
        "2026-11-18T11:30:00\\+02:00",
    ),
]


@pytest.mark.usefixtures("homes")
async def test_bad_setpoints(hass: HomeAssistant, netatmo: NetatmoControl) -> None:
    """What cannot be asked names the choices, and nothing is sent to any home."""
    before = dict(setpoints(netatmo))

    for data, text in BAD_SETPOINTS:
        with pytest.raises(ServiceValidationError, match=text) as refused:
            await order(hass, "set_setpoint", **({"home": ELM} | data))
        assert refused.value.translation_domain == DOMAIN

    assert commands(netatmo) == []
    assert setpoints(netatmo) == before


WRONG_KINDS: list[dict[str, Any]] = [
    {"temperature": "warm"},
    {"temperature": True},
    {"temperature": 20, "minutes": "long"},
    {"temperature": 20, "until": "tomorrow"},
    {"temperature": 20, "room_id": "1"},
]


@pytest.mark.usefixtures("homes")
async def test_fields_of_the_wrong_kind(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """What is no number, no time or no field of the action is refused by its schema."""
    for data in WRONG_KINDS:
        with pytest.raises(vol.Invalid):
            await order(hass, "set_setpoint", home=ELM, room="Kitchen", **data)

    assert commands(netatmo) == []


@pytest.mark.usefixtures("homes")
async def test_degrees_celsius_everywhere(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """Temperatures of actions are °C whatever Home Assistant shows."""
    hass.config.units = US_CUSTOMARY_SYSTEM

    answer = await ask(hass, "set_setpoint", home=ELM, room="Kitchen", temperature=15)
    told = await ask(hass, "get_temperature", home=ELM, room="Kitchen")

    assert answer[ELM]["temperature"] == 15.0
    assert netatmo.setpoint(ELM, "Kitchen")[1] == 15.0
    assert told[ELM]["rooms"]["Kitchen"]["setpoint"] == 15.0
    assert 10 < told[ELM]["temperature"] < 30


# What the cloud refuses


@pytest.mark.usefixtures("homes")
async def test_a_refusal_is_raised(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """Where one home is asked for, its failure is the action's, response or not."""
    netatmo.home(MILL, "offline")
    data = {"home": MILL, "room": "Lounge", "temperature": 12}

    with pytest.raises(HomeAssistantError, match="Lounge") as raised:
        await order(hass, "set_setpoint", **data)
    with pytest.raises(HomeAssistantError, match="Mill Cottage"):
        await ask(hass, "set_setpoint", **data)

    assert not isinstance(raised.value, ServiceValidationError)
    assert raised.value.translation_domain == DOMAIN


@pytest.mark.usefixtures("homes")
async def test_one_of_several_homes_fails(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """One home that fails does not stop the other; an error or the response says which."""
    netatmo.home(MILL, "offline")
    data = {"home": [MILL, ELM], "room": "Bedroom"}

    with pytest.raises(
        HomeAssistantError, match=r"Failed: “Mill Cottage”: .*Set: “Elm Street”$"
    ):
        await order(hass, "set_setpoint", **data, temperature=12)
    assert netatmo.setpoint(ELM, "Bedroom") == ("manual", 12.0, FOREVER_S)

    answer = await ask(hass, "set_setpoint", **data, temperature=13)
    assert answer[ELM]["changed"] is True
    assert answer[ELM]["temperature"] == 13.0
    assert answer[MILL]["changed"] is False
    assert "Bedroom" in answer[MILL]["error"]
    assert netatmo.setpoint(ELM, "Bedroom") == ("manual", 13.0, FOREVER_S)
    assert netatmo.setpoint(MILL, "Bedroom")[0] == "schedule"


@pytest.mark.usefixtures("homes")
async def test_nothing_to_modify(
    hass: HomeAssistant, simulator: SimulatorClient, netatmo: NetatmoControl
) -> None:
    """What is so already is no failure, and no change."""
    simulator.fault("nothing_to_modify", command="setroomthermpoint", count=1)

    answer = await ask(hass, "set_setpoint", home=ELM, room="Kitchen", temperature=18)

    assert answer[ELM]["changed"] is False
    assert "error" not in answer[ELM]


# set_home_mode


@pytest.mark.usefixtures("homes")
async def test_a_home_goes_away_and_comes_back(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """A home is put into a mode until a time of its own, and back on another schedule."""
    away = await ask(
        hass, "set_home_mode", home=MILL, mode="away", until="2026-11-20T18:00:00"
    )
    in_helsinki = datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert away == {
        MILL: {
            "mode": "away",
            "until": in_helsinki.isoformat(),
            "schedule": None,
            "changed": True,
        }
    }
    assert netatmo.setpoint(MILL, "Hall") == ("away", 14.0, end_s(in_helsinki))
    assert netatmo.setpoint(ELM, "Kitchen")[0] == "schedule"

    back = await ask(
        hass, "set_home_mode", home=MILL, mode="schedule", schedule="At home"
    )
    assert back == {
        MILL: {
            "mode": "schedule",
            "until": None,
            "schedule": "At home",
            "changed": True,
        }
    }
    assert netatmo.setpoint(MILL, "Hall")[:2] == ("schedule", 19.0)


@pytest.mark.usefixtures("homes")
async def test_frost_guard_for_all_homes(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """Several homes are put into a mode until further notice."""
    await order(hass, "set_home_mode", home=[ELM, MILL], mode="frost_guard")

    assert {mode for mode, _, _ in setpoints(netatmo).values()} == {"hg"}
    assert commands(netatmo) == ["setthermmode"] * 2


BAD_HOME_MODES: list[tuple[dict[str, Any], str]] = [
    ({"mode": "party"}, "party.*schedule, away, frost_guard"),
    ({"mode": "away", "until": "2026-11-18T10:00:00"}, "2026-11-18T10:00:00"),
    ({"mode": "schedule", "until": "2026-11-19T10:00:00"}, "schedule"),
    ({"mode": "away", "schedule": "Winter"}, "away"),
    ({"mode": "schedule", "schedule": "Party"}, "Party.*Winter, At home"),
    ({"mode": "schedule", "schedule": "Summer"}, "Summer.*Winter, At home"),
    ({"mode": "away", "home": [ELM, "Shed"]}, "No heating in “Shed”"),
    ({"mode": "away", "home": []}, "say which one"),
]


@pytest.mark.usefixtures("homes")
async def test_bad_home_modes(hass: HomeAssistant, netatmo: NetatmoControl) -> None:
    """What cannot be asked of a home names the choices, and nothing is sent."""
    for data, text in BAD_HOME_MODES:
        with pytest.raises(ServiceValidationError, match=text):
            await order(hass, "set_home_mode", **({"home": ELM} | data))

    assert commands(netatmo) == []


async def test_the_schedule_of_one_of_two_heatings(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    netatmo: NetatmoControl,
) -> None:
    """A schedule is selected in the heating that has it; a mode is for both."""
    annexe = {"name": "Annexe", "rooms": [{"name": "Loft"}], "history_days": 1}
    netatmo.add_home(NETATMO_USER, annexe | {"schedules": ["At home"]})
    both = home_entry(
        "Estate",
        heating_subentry(heating_source(netatmo, MILL, name="Cottage")),
        heating_subentry(heating_source(netatmo, "Annexe", name="Annexe")),
    )
    await netatmo_credential(hass)
    await set_up(hass, netatmo_account_entry(netatmo), both)
    await virtual.run(timedelta(minutes=1))

    answer = await ask(hass, "set_home_mode", mode="schedule", schedule="Winter")
    assert answer["Estate"]["schedule"] == "Winter"
    assert commands(netatmo) == ["setthermmode"]

    await order(hass, "set_home_mode", mode="away")
    assert netatmo.setpoint(MILL, "Hall")[0] == "away"
    assert netatmo.setpoint("Annexe", "Loft")[0] == "away"

    netatmo.home("Annexe", "offline")
    with pytest.raises(
        HomeAssistantError, match=r"Failed: “Estate: Annexe”: .*Set: “Estate: Cottage”$"
    ):
        await ask(hass, "set_home_mode", mode="schedule")
    assert netatmo.setpoint(MILL, "Hall")[0] == "schedule"


# get_temperature


@pytest.mark.usefixtures("homes")
async def test_all_rooms_of_a_home(
    hass: HomeAssistant, netatmo: NetatmoControl
) -> None:
    """Without a room all rooms are answered, and there is no one temperature."""
    answer = await ask(hass, "get_temperature", home=ELM)

    truth = netatmo.truth(ELM)
    assert answer[ELM]["temperature"] is None
    rooms = answer[ELM]["rooms"]
    assert list(rooms) == ["Living room", "Kitchen", "Bedroom", "Office"]
    assert {name: room["temperature"] for name, room in rooms.items()} == {
        name: pytest.approx(room["measured"], abs=0.3) for name, room in truth.items()
    }
    assert {name: room["setpoint"] for name, room in rooms.items()} == {
        name: netatmo.setpoint(ELM, name)[1] for name in truth
    }
    assert {room["mode"] for room in rooms.values()} == {"schedule"}
    assert {room["until"] for room in rooms.values()} == {None}
    assert {room["reachable"] for room in rooms.values()} == {True}
    assert rooms["Living room"]["heating_power_request"] is None
    assert 0 <= rooms["Kitchen"]["heating_power_request"] <= 100
    assert rooms["Kitchen"]["updated"].startswith("2026-11-18T10:0")
    assert commands(netatmo) == []


@pytest.mark.usefixtures("homes")
async def test_one_temperature(hass: HomeAssistant) -> None:
    """A room, or a device that only one room has, is answered as the temperature."""
    thermostats = await ask(
        hass, "get_temperature", home=[ELM, MILL], device="thermostat"
    )
    kitchen = await ask(hass, "get_temperature", home=ELM, room="kitchen")
    valve = await ask(hass, "get_temperature", home=ELM, room="kitchen", device="valve")

    assert [list(home["rooms"]) for home in thermostats.values()] == [
        ["Living room"],
        ["Hall"],
    ]
    assert thermostats[MILL]["temperature"] > 0
    assert (
        thermostats[MILL]["temperature"]
        == thermostats[MILL]["rooms"]["Hall"]["temperature"]
    )
    assert list(kitchen[ELM]["rooms"]) == ["Kitchen"]
    assert kitchen[ELM]["temperature"] > 0
    assert valve == kitchen


@pytest.mark.usefixtures("homes")
async def test_several_valves(hass: HomeAssistant) -> None:
    """Of several rooms with a valve each is answered, and none is the temperature."""
    answer = await ask(hass, "get_temperature", home=ELM, device="valve")

    assert answer[ELM]["temperature"] is None
    assert list(answer[ELM]["rooms"]) == ["Kitchen", "Bedroom", "Office"]


@pytest.mark.usefixtures("homes")
async def test_a_setpoint_shows_at_once(
    hass: HomeAssistant, virtual: VirtualTime
) -> None:
    """What was set is answered at once, with its end."""
    await order(hass, "set_setpoint", home=ELM, room="Kitchen", mode="off", minutes=90)

    answer = await ask(hass, "get_temperature", home=ELM, room="Kitchen")

    kitchen = answer[ELM]["rooms"]["Kitchen"]
    assert (kitchen["mode"], kitchen["setpoint"]) == ("off", 7.0)
    assert kitchen["until"] == (virtual.now + timedelta(minutes=90)).isoformat()


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"room": "Attic"}, r"“Attic” in “Elm Street”\. Rooms: Living room"),
    ({"device": "boiler"}, "“boiler”. Choices: thermostat, valve"),
    (
        {"room": "Kitchen", "device": "thermostat"},
        r"no thermostat in “Elm Street”\. Rooms: Living room \(thermostat\), Kitchen \(v",
    ),
    ({"home": ["Shed", ELM]}, "No heating in “Shed”. Homes with heating: Elm"),
    ({"home": "Attic"}, "no home “Attic”"),
    ({"home": []}, "say which one"),
]


@pytest.mark.usefixtures("homes")
async def test_unknown_rooms_and_devices(hass: HomeAssistant) -> None:
    """What there is not is refused, and the choices are named."""
    for data, text in UNKNOWN:
        with pytest.raises(ServiceValidationError, match=text):
            await ask(hass, "get_temperature", **({"home": ELM} | data))


@pytest.mark.usefixtures("homes")
async def test_nobody_can_say(hass: HomeAssistant, account: MockConfigEntry) -> None:
    """Without the account nothing is said but when it was last heard."""
    before = await ask(hass, "get_temperature", home=ELM, room="Kitchen")
    await hass.config_entries.async_unload(account.entry_id)
    await hass.async_block_till_done()

    answer = await ask(hass, "get_temperature", home=ELM, room="Kitchen")

    assert answer[ELM] == {
        "temperature": None,
        "rooms": {
            "Kitchen": dict.fromkeys(before[ELM]["rooms"]["Kitchen"])
            | {"updated": before[ELM]["rooms"]["Kitchen"]["updated"]}
        },
    }


# Times that clocks show twice, and who asks


class TestWhenClocksGoBack:
    """Europe's clocks show the hour from 01:00 UTC on twice."""

    @pytest.fixture
    def virtual_start(self) -> datetime:
        """Begin in the second of the two hours in London."""
        return datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    @pytest.mark.usefixtures("homes")
    async def test_of_two_instants_the_one_to_come(
        self, hass: HomeAssistant, netatmo: NetatmoControl
    ) -> None:
        """An end by the wall clock that has been once is the next time that it shows."""
        await order(
            hass,
            "set_setpoint",
            home=ELM,
            room="Kitchen",
            mode="off",
            until="2026-10-25 01:40:00",
        )

        end = datetime(2026, 10, 25, 1, 40, tzinfo=UTC)
        assert netatmo.setpoint(ELM, "Kitchen") == ("manual", 7.0, end_s(end))


@pytest.mark.usefixtures("homes")
async def test_who_asked(hass: HomeAssistant, hass_read_only_user: MockUser) -> None:
    """A change belongs to the call that made it, and to its user."""
    context = Context(user_id=hass_read_only_user.id)
    changes = async_capture_events(hass, "energy_homes_heating_changed")

    await ask(hass, "set_setpoint", context, home=ELM, room="Kitchen", temperature=12)
    await ask(hass, "set_home_mode", context, home=ELM, mode="away")
    await hass.async_block_till_done()

    assert [change.context for change in changes] == [context] * 2
    assert [change.data["who"] for change in changes] == [hass_read_only_user.name] * 2
