"""Readings pushed on: by an action, when a board asks, and at midnight."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.boards.config import BoardConfig, ChannelConfig
from custom_components.energy_homes.boards.message import Pulse, PushReadings
from custom_components.energy_homes.boards.nightly import LATEST
from custom_components.energy_homes.boards.options import BoardOptions
from custom_components.energy_homes.const import DOMAIN
from tests.board_kit import SECRET
from tests.builders import (
    board_entry,
    board_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
)
from tests.virtual import VirtualTime

from .receiver import SCRIPT, Receiver

CHANNELS = BoardConfig(
    secret=SECRET,
    channels={
        3: ChannelConfig(name="Kitchen"),
        1: ChannelConfig(name="House"),
    },
)
HOUR = timedelta(hours=1)


@pytest.fixture
async def receiver(socket_enabled: None) -> AsyncIterator[Receiver]:
    """Return who takes readings."""
    receiver = Receiver()
    async with receiver.serve():
        yield receiver


@pytest.fixture
def home() -> MockConfigEntry:
    """Return a home whose two meters are at a board."""
    return home_entry(
        "Harbour Flat",
        meter_subentry("house", board_revision(1)),
        meter_subentry("kitchen", board_revision(3), name="Kitchen"),
    )


class Boarded:
    """A Home Assistant with a board, whose options are what a test says."""

    def __init__(self, hass: HomeAssistant, *homes: ConfigEntry) -> None:
        """Begin without the board."""
        self.hass = hass
        self.homes = homes
        self.board = board_entry(CHANNELS)

    async def start(self, **options: Any) -> None:
        """Set up everything; both channels show something."""
        self.board.add_to_hass(self.hass)
        self.options(**options)
        await set_up(self.hass, *self.homes)
        await self.hub.async_set_reading(1, 279.97)
        await self.hub.async_set_reading(3, 3362.785)

    def options(self, **options: Any) -> None:
        """Store options as their flow does."""
        data = BoardOptions(**options).as_data()
        self.hass.config_entries.async_update_entry(self.board, options=data)

    @property
    def hub(self) -> PulseBoardHub:
        """Return the board's hub."""
        assert isinstance(self.board.runtime_data, PulseBoardHub)
        return self.board.runtime_data

    async def push(
        self, context: Context | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Call the action; return its answer."""
        answer = await self.hass.services.async_call(
            DOMAIN,
            "push_readings",
            fields,
            blocking=True,
            return_response=True,
            context=context,
        )
        assert answer is not None
        return dict(answer)


@pytest.fixture
async def boarded(
    recorder_mock: Recorder, hass: HomeAssistant, home: MockConfigEntry
) -> Boarded:
    """Return a home with its board, not set up yet."""
    return Boarded(hass, home)


# The action


async def test_readings_of_a_board(boarded: Boarded, receiver: Receiver) -> None:
    """In the order of its channels, two decimals each; the answer says what was sent."""
    await boarded.start()
    assert await boarded.push(board=" harbour BOARD ", url=receiver.url) == {
        "status": 200,
        "readings": [
            {"meter": "House (Harbour board)", "reading": 279.97},
            {"meter": "Kitchen (Harbour board)", "reading": 3362.78},
        ],
    }
    assert receiver.queries == ["function=updateSheet&dataString=279.97,3362.78"]
    await boarded.hass.services.async_call(
        DOMAIN, "push_readings", {"board": "Harbour board", "url": receiver.url}, True
    )
    assert len(receiver.queries) == 2


async def test_readings_of_meters(
    boarded: Boarded, receiver: Receiver, hass: HomeAssistant
) -> None:
    """Any meters in the order that is given: by name, by home and name, by an entity."""
    attic = home_entry("Attic", meter_subentry("attic", entity_revision("sensor.x")))
    boarded.homes += (attic,)
    hass.states.async_set(
        "sensor.x",
        "12.5",
        {"unit_of_measurement": "kWh", "device_class": "energy"},
    )
    await boarded.start()
    answer = await boarded.push(
        meters=[
            "Kitchen",
            "sensor.harbour_flat_electricity_meter_power",
            "harbour flat kitchen",
        ],
        url=receiver.url,
    )
    assert [one["meter"] for one in answer["readings"]] == [
        "Harbour Flat Kitchen",
        "Harbour Flat Electricity meter",
        "Harbour Flat Kitchen",
    ]
    assert receiver.values == ["3362.78,279.97,3362.78"]
    # A meter without a dial of ours shows its energy total.
    await boarded.push(meters="Attic Electricity meter", url=receiver.url)
    assert receiver.values[1:] == ["0.00"]


CANNOT_BE_ASKED: list[tuple[dict[str, Any], str]] = [
    ({}, "Say either a board or meters"),
    ({"board": "x", "meters": ["y"]}, "Say either a board or meters"),
    ({"board": "x"}, "There is no board “x”. Boards: Harbour board"),
    (
        {"meters": ["Garage"]},
        (
            "There is no meter “Garage”. Meters: Harbour Flat Electricity meter, "
            "Harbour Flat Kitchen"
        ),
    ),
    ({"meters": []}, "There is no meter to send the reading of"),
]


async def test_what_cannot_be_asked(
    boarded: Boarded, receiver: Receiver, subtests: pytest.Subtests
) -> None:
    """It is said with the choices, and nothing is sent."""
    await boarded.start()
    for fields, message in CANNOT_BE_ASKED:
        with subtests.test(str(fields)):
            with pytest.raises(ServiceValidationError) as caught:
                await boarded.push(url=receiver.url, **fields)
            assert str(caught.value) == message
    assert receiver.queries == []


async def test_two_of_one_name(
    boarded: Boarded, receiver: Receiver, hass: HomeAssistant
) -> None:
    """Neither of two meters, or of two boards, is guessed."""
    other = home_entry("Attic", meter_subentry("attic", board_revision(1)))
    boarded.homes += (other,)
    await boarded.start()
    with pytest.raises(ServiceValidationError, match="Say the home too: Attic Elec"):
        await boarded.push(meters=["electricity meter"], url=receiver.url)
    second = board_entry(CHANNELS, key="second", title="harbour board")
    await set_up(hass, second)
    with pytest.raises(ServiceValidationError, match="More than one board is called"):
        await boarded.push(board="Harbour board", url=receiver.url)
    assert receiver.queries == []


async def test_address_of_the_board(boarded: Boarded, receiver: Receiver) -> None:
    """Without an address the one of the board's options counts."""
    await boarded.start()
    with pytest.raises(ServiceValidationError, match="Say the address"):
        await boarded.push(board="Harbour board")
    boarded.options(push_url=f"{receiver.url}?key=1")
    await boarded.push(board="Harbour board")
    assert receiver.queries == ["key=1&function=updateSheet&dataString=279.97,3362.78"]
    with pytest.raises(ServiceValidationError, match="Say the address"):
        await boarded.push(meters=["Kitchen"])


async def test_who_may_give_an_address(
    boarded: Boarded, receiver: Receiver, hass: HomeAssistant, hass_admin_user: MockUser
) -> None:
    """Only an admin; to where an admin has set it anybody may push."""
    await boarded.start(push_url=receiver.url)
    guest = MockUser().add_to_hass(hass)
    with pytest.raises(Unauthorized):
        await boarded.push(
            Context(user_id=guest.id), board="Harbour board", url="http://evil.test"
        )
    with pytest.raises(UnknownUser):
        await boarded.push(
            Context(user_id="nobody"), board="Harbour board", url="http://evil.test"
        )
    assert receiver.queries == []
    await boarded.push(Context(user_id=guest.id), board="Harbour board")
    await boarded.push(
        Context(user_id=hass_admin_user.id), board="Harbour board", url=receiver.url
    )
    assert len(receiver.queries) == 2


async def test_meter_without_a_reading(
    boarded: Boarded, receiver: Receiver, hass: HomeAssistant
) -> None:
    """It is named, and nothing is pushed: a row with a gap is worse than none."""
    attic = home_entry(
        "Attic",
        meter_subentry("attic", entity_revision("sensor.none")),
        meter_subentry("cellar", board_revision(7), name="Cellar"),
        meter_subentry("other", board_revision(1, key="gone"), name="Gone"),
    )
    boarded.homes += (attic,)
    await boarded.start()
    with pytest.raises(HomeAssistantError) as caught:
        await boarded.push(
            meters=["Kitchen", "Attic Electricity meter", "Cellar", "Gone"],
            url=receiver.url,
        )
    assert str(caught.value) == (
        "Nothing was sent: there is no reading yet of Attic Electricity meter, "
        "Attic Cellar, Attic Gone"
    )
    await boarded.hub.async_hear(Pulse(7, 1000), datetime.now(UTC))
    await boarded.push(meters=["Cellar"], url=receiver.url)
    assert receiver.values == ["0.01"]


async def test_board_that_is_not_loaded(
    boarded: Boarded, receiver: Receiver, hass: HomeAssistant
) -> None:
    """It is said, and nothing is pushed."""
    await boarded.start()
    await hass.config_entries.async_unload(boarded.board.entry_id)
    with pytest.raises(HomeAssistantError, match="“Harbour board” is not loaded"):
        await boarded.push(board="Harbour board", url=receiver.url)


async def test_receiver_that_does_not_take_them(
    boarded: Boarded, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors say what is wrong in our words, never where to it went."""
    caplog.set_level(logging.DEBUG, "custom_components.energy_homes")
    await boarded.start()
    receiver.status = 403
    with pytest.raises(HomeAssistantError) as caught:
        await boarded.push(board="Harbour board", url=receiver.url)
    assert str(caught.value) == (
        "The readings were not taken: the address answered with status 403"
    )
    receiver.status, receiver.location = 200, f"/macros/s/{SCRIPT}/exec"
    with pytest.raises(HomeAssistantError, match="redirected again and again") as out:
        await boarded.push(board="Harbour board", url=receiver.url)
    for wrong in ("nonsense", f"ftp://{SCRIPT}", f"//{SCRIPT}"):
        with pytest.raises(ServiceValidationError, match="not an address") as bad:
            await boarded.push(board="Harbour board", url=wrong)
        assert SCRIPT not in str(bad.value)
    receiver.location = f"ftp://{SCRIPT}"
    with pytest.raises(HomeAssistantError, match="not an address") as redirected:
        await boarded.push(board="Harbour board", url=receiver.url)
    for error in (caught.value, out.value, redirected.value):
        assert SCRIPT not in f"{error!r} {error}"
        assert error.__cause__ is error.__context__ is None
    own = [r for r in caplog.records if r.name.startswith("custom_components")]
    assert not [record for record in own if SCRIPT in record.getMessage()]


# When the board asks


async def test_board_asks(
    boarded: Boarded, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Its readings go to where people have said, and the board has its answer at once."""
    await boarded.start(push_url=receiver.url)
    reply = await boarded.hub.async_hear(PushReadings(), datetime.now(UTC))
    assert reply.status == 200
    assert receiver.queries == []
    # While one is under way another is not begun.
    await boarded.hub.async_hear(PushReadings(), datetime.now(UTC))
    await boarded.hass.async_block_till_done()
    assert receiver.values == ["279.97,3362.78"]
    assert boarded.hub.counts["push_under_way"] == 1

    receiver.status = 500
    await boarded.hub.async_hear(PushReadings(), datetime.now(UTC))
    await boarded.hass.async_block_till_done()
    assert "The readings of Harbour board were not pushed on" in caplog.text
    assert "status 500" in caplog.text
    own = [r for r in caplog.records if r.name.startswith("custom_components")]
    assert not [record for record in own if SCRIPT in record.getMessage()]


async def test_board_asks_in_vain(boarded: Boarded, receiver: Receiver) -> None:
    """Without an address nothing is pushed; no board can give one."""
    await boarded.start()
    reply = await boarded.hub.async_hear(PushReadings(), datetime.now(UTC))
    assert reply.status == 200
    await boarded.hass.async_block_till_done()
    assert receiver.queries == []
    assert boarded.hub.counts["push_without_address"] == 1


# Every night


@pytest.fixture
def virtual_start(request: pytest.FixtureRequest) -> datetime:
    """Return an evening, in London two hours before midnight, or what a test says."""
    start: datetime = getattr(
        request, "param", datetime(2026, 11, 18, 22, 0, 0, tzinfo=UTC)
    )
    return start


@pytest.fixture
async def nightly(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    home: MockConfigEntry,
    receiver: Receiver,
) -> Boarded:
    """Return a home with a board that pushes every night."""
    boarded = Boarded(hass, home)
    await boarded.start(push_url=receiver.url, push_nightly=True)
    return boarded


def utc(text: str) -> datetime:
    """Return an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def test_every_night(
    nightly: Boarded, receiver: Receiver, virtual: VirtualTime
) -> None:
    """At midnight of the home, once, with what the meters show then."""
    await virtual.run(timedelta(seconds=1))
    await virtual.move_to(utc("2026-11-18T23:59:59"))
    assert receiver.values == []
    await virtual.move_to(utc("2026-11-19T00:00:00"))
    await virtual.run(timedelta(seconds=1))
    assert receiver.values == ["279.97,3362.78"]
    await virtual.move_to(utc("2026-11-19T23:59:59"))
    await nightly.hub.async_set_reading(1, 280.0)
    assert len(receiver.values) == 1
    await virtual.run(timedelta(seconds=2))
    assert receiver.values == ["279.97,3362.78", "280.00,3362.78"]


@pytest.mark.parametrize(
    ("virtual_start", "midnights"),
    [
        # London has summer time from 01:00 UTC of the 29th on, and until the 25th.
        (utc("2026-03-28T23:30"), ("2026-03-29T00:00", "2026-03-29T23:00")),
        (utc("2026-10-24T22:30"), ("2026-10-24T23:00", "2026-10-26T00:00")),
    ],
    indirect=["virtual_start"],
)
@pytest.mark.usefixtures("virtual_start")
async def test_nights_around_a_change_of_clocks(
    nightly: Boarded,
    receiver: Receiver,
    virtual: VirtualTime,
    midnights: tuple[str, ...],
) -> None:
    """A day of 23 or 25 hours has one midnight like any other."""
    for number, midnight in enumerate(map(utc, midnights)):
        await virtual.move_to(midnight - timedelta(seconds=1))
        assert len(receiver.values) == number
        await virtual.move_to(midnight)
        await virtual.run(timedelta(seconds=1))
        assert len(receiver.values) == number + 1
    await virtual.move_to(utc(midnights[-1]) + 24 * HOUR - timedelta(seconds=1))
    assert len(receiver.values) == 2


async def test_restart_after_midnight(
    nightly: Boarded,
    receiver: Receiver,
    virtual: VirtualTime,
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same night is not pushed again, and none counts as missed."""
    await virtual.move_to(utc("2026-11-19T00:00:01"))
    await hass.config_entries.async_reload(nightly.board.entry_id)
    await virtual.move_to(utc("2026-11-19T12:00:00"))
    assert len(receiver.values) == 1
    assert "were not pushed at midnight" not in caplog.text


async def test_night_that_was_missed(
    nightly: Boarded,
    receiver: Receiver,
    virtual: VirtualTime,
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told, and not pushed late; the next one is pushed."""
    await hass.config_entries.async_unload(nightly.board.entry_id)
    await virtual.move_to(utc("2026-11-20T00:01:00"))
    await hass.config_entries.async_setup(nightly.board.entry_id)
    await virtual.settle()
    assert receiver.values == []
    assert (
        "The readings of Harbour board were not pushed at midnight of "
        "2026-11-19, 2026-11-20"
    ) in caplog.text
    await virtual.move_to(utc("2026-11-21T00:00:01"))
    assert len(receiver.values) == 1


async def test_machine_that_slept(
    nightly: Boarded,
    receiver: Receiver,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who wakes up too late has missed the night; some seconds do no harm."""
    await virtual.move_to(utc("2026-11-19T00:00:01") + LATEST)
    assert receiver.values == []
    assert "were not pushed at midnight of 2026-11-19" in caplog.text
    await virtual.move_to(utc("2026-11-20T00:00:30"))
    assert len(receiver.values) == 1


async def test_midnight_is_that_of_the_home(
    nightly: Boarded,
    home: MockConfigEntry,
    receiver: Receiver,
    virtual: VirtualTime,
    hass: HomeAssistant,
) -> None:
    """Also after the home has moved; without a home it is Home Assistant's."""
    hass.config_entries.async_update_entry(
        home, data={**home.data, "time_zone": "America/New_York"}
    )
    await virtual.settle()
    await virtual.move_to(utc("2026-11-19T04:59:59"))
    assert receiver.values == []
    await virtual.move_to(utc("2026-11-19T05:00:01"))
    assert len(receiver.values) == 1
    await hass.config_entries.async_remove(home.entry_id)
    hass.config_entries.async_update_entry(nightly.board, title="Board")
    await virtual.settle()
    # Home Assistant of the tests is in California: its midnight is three hours later.
    await virtual.move_to(utc("2026-11-19T07:59:59"))
    assert len(receiver.values) == 1
    await virtual.move_to(utc("2026-11-19T08:00:01"))
    assert len(receiver.values) == 2


async def test_night_with_an_outage(
    nightly: Boarded,
    receiver: Receiver,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told, and the next night is tried."""
    receiver.status = 503
    await virtual.move_to(utc("2026-11-19T00:00:01"))
    assert len(receiver.values) == 1
    assert "were not pushed on: The readings were not taken" in caplog.text
    receiver.status = 200
    await virtual.move_to(utc("2026-11-20T00:00:01"))
    assert len(receiver.values) == 2


async def test_nightly_is_switched_off_and_on(
    nightly: Boarded,
    receiver: Receiver,
    virtual: VirtualTime,
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nights while it was off were not missed; what is removed leaves nothing."""
    stored = f"energy_homes.push.{nightly.board.unique_id}"
    assert hass_storage[stored]["data"] == "2026-11-18"
    nightly.options(push_url=receiver.url)
    await hass.config_entries.async_reload(nightly.board.entry_id)
    await virtual.move_to(utc("2026-11-19T00:00:01"))
    assert receiver.values == []
    assert stored not in hass_storage
    nightly.options(push_url=receiver.url, push_nightly=True)
    await hass.config_entries.async_reload(nightly.board.entry_id)
    await virtual.settle()
    assert "were not pushed at midnight" not in caplog.text
    await hass.config_entries.async_remove(nightly.board.entry_id)
    assert stored not in hass_storage
