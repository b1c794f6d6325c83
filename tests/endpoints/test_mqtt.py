"""Boards that publish to Home Assistant's MQTT broker: the same messages by another way."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_mqtt_message,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import MqttMockHAClientGenerator

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.registry import DATA_ACCOUNTS
from custom_components.energy_homes.boards.options import BoardOptions
from custom_components.energy_homes.endpoints.mqtt import AGAIN_AFTER, MAX_AGAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from tests.board_kit import KEY
from tests.builders import (
    board_entry,
    board_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)

STATUS = "arduino/status"
POWER = "sensor.harbour_flat_power"


class Published:
    """A Home Assistant with a board that publishes."""

    def __init__(self, hass: HomeAssistant, board: ConfigEntry) -> None:
        """Begin with a board that is set up."""
        self.hass = hass
        self.board = board

    @property
    def hub(self) -> PulseBoardHub:
        """Return the board's hub."""
        hub = self.hass.data[DATA_ACCOUNTS].hubs[KEY]
        assert isinstance(hub, PulseBoardHub)
        return hub

    @property
    def pulses(self) -> int:
        """Return how many pulses the first channel has."""
        return self.hub.book.channel(1).pulses

    async def say(
        self, payload: str | bytes, topic: str = STATUS, *, retain: bool = False
    ) -> None:
        """Publish, and let what follows from it happen."""
        async_fire_mqtt_message(self.hass, topic, payload, qos=1, retain=retain)
        await self.hass.async_block_till_done()

    async def pulse(
        self, stamp: object, channel: object = 1, *, prefix: str = "", **kwargs: Any
    ) -> None:
        """Publish a pulse."""
        await self.say(str(stamp), f"{prefix}channel/{channel}/timestamp", **kwargs)


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Let the clients behind the test plugin's broker, which no socket ends, leave theirs."""
    return True


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path) -> None:
    """Give the MQTT integration the file that it looks into."""
    (tmp_path / "configuration.yaml").write_text("")


@pytest.fixture
def prefix() -> str:
    """Return what comes before the topics; a test may say something else."""
    return ""


@pytest.fixture
async def published(
    recorder_mock: Recorder, hass: HomeAssistant, prefix: str
) -> Published:
    """Return a home with a board that listens to MQTT, which is not there yet."""
    board = board_entry()
    board.add_to_hass(hass)
    options = BoardOptions(mqtt=True, mqtt_prefix=prefix).as_data()
    hass.config_entries.async_update_entry(board, options=options)
    await set_up(
        hass, home_entry("Harbour Flat", meter_subentry("m", board_revision(1)))
    )
    return Published(hass, board)


@pytest.fixture
async def mqtt(
    hass: HomeAssistant,
    published: Published,
    mqtt_mock_entry: MqttMockHAClientGenerator,
) -> AsyncIterator[ConfigEntry]:
    """Let the MQTT integration come after the board; return its entry."""
    await mqtt_mock_entry()
    await hass.async_block_till_done()
    (entry,) = hass.config_entries.async_entries("mqtt")
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.usefixtures("mqtt")
async def test_pulses_count_and_show(published: Published) -> None:
    """Power and energy as by HTTP; late, repeated and wrong ones are judged the same."""
    await published.say("powerup")
    await published.pulse(1000)
    await published.pulse(4600)
    assert published.pulses == 2
    assert published.hub.reports.present(1).power == 1000
    assert float(state_of(published.hass, POWER)) == 1000
    await published.pulse(4600)
    assert published.pulses == 2
    assert published.hub.hearing.counts["pulse_duplicate"] == 1
    for stamp, channel, problem in (
        ("abc", 1, "millis"),
        ("1.5", 1, "millis"),
        ("1", 99, "channel"),
        ("1", "x", "channel"),
    ):
        await published.pulse(stamp, channel)
        assert published.hub.hearing.counts[problem] > 0
    await published.say(b"\xff\xfe", "channel/1/timestamp")
    await published.say(b"9" * 5000, "channel/1/timestamp")
    assert published.hub.hearing.counts["unreadable"] == 2
    assert published.pulses == 2


@pytest.mark.usefixtures("mqtt")
async def test_retained_pulse_is_not_counted(published: Published) -> None:
    """Nobody knows of which life of the board it is, or whether it was counted."""
    await published.pulse(1000)
    await published.pulse(4600, retain=True)
    await published.say("powerup", retain=True)
    assert published.pulses == 1
    assert published.hub.hearing.counts["retained"] == 2
    assert published.hub.hearing.counts["PowerUp"] == 0


@pytest.mark.usefixtures("mqtt")
async def test_status(published: Published, caplog: pytest.LogCaptureFixture) -> None:
    """Alive, away, back, and pulses that were lost in the board's buffer."""
    assert not published.hub.presence.online
    await published.say("alive")
    assert published.hub.presence.online
    await published.pulse(1000)
    await published.pulse(4600)
    assert float(state_of(published.hass, POWER)) == 1000
    await published.say("disconnected", retain=True)
    assert not published.hub.presence.online
    assert state_of(published.hass, POWER) == "unavailable"
    # Twice is no harm.
    await published.say("disconnected")
    await published.say("re-connect:9000:12:3")
    assert published.hub.presence.online
    assert published.hub.hearing.counts["reconnect"] == 1
    await published.say("buffer overrun")
    assert "Harbour board says that pulses were lost" in caplog.text
    await published.say("what?")
    assert published.hub.hearing.counts["unknown"] == 1
    assert published.pulses == 2


@pytest.mark.usefixtures("mqtt")
async def test_overrun_leaves_a_gap(published: Published) -> None:
    """What comes after lost pulses does not say what was used before it."""
    await published.pulse(1000)
    await published.pulse(4600)
    told: list[bool] = []
    stop = published.hass.data[DATA_ACCOUNTS].subscribe(
        KEY, "1", lambda update: told.append(update.gap) if update.reading else None
    )
    told.clear()
    await published.pulse(8200)
    await published.say("buffer overrun")
    await published.pulse(11800)
    await published.pulse(15400)
    assert told == [False, True, False]
    stop()


@pytest.mark.usefixtures("mqtt")
@pytest.mark.parametrize("prefix", ["harbour/flat"])
async def test_prefix(published: Published) -> None:
    """Only what is below the prefix is the board's."""
    await published.pulse(1000, prefix="harbour/flat/")
    await published.pulse(4600)
    await published.pulse(4600, prefix="harbour/")
    assert published.pulses == 1
    assert published.hub.calls_last_hour == 1


async def test_mqtt_that_comes_first(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    mqtt_mock_entry: MqttMockHAClientGenerator,
) -> None:
    """Whichever comes first, they find each other; without the option nothing is heard."""
    await mqtt_mock_entry()
    board = board_entry()
    await set_up(hass, board)
    published = Published(hass, board)
    await published.pulse(1000)
    assert published.hub.calls_last_hour == 0
    options = BoardOptions(mqtt=True).as_data()
    hass.config_entries.async_update_entry(board, options=options)
    await hass.config_entries.async_reload(board.entry_id)
    await published.pulse(1000)
    assert published.pulses == 1
    (entry,) = hass.config_entries.async_entries("mqtt")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_mqtt_that_goes_and_comes(
    hass: HomeAssistant, published: Published, mqtt: ConfigEntry
) -> None:
    """Each message is heard once, however often either of the two is loaded anew."""
    stamp = 1000
    for reloaded in (mqtt, published.board, mqtt, mqtt, published.board):
        await hass.config_entries.async_reload(reloaded.entry_id)
        await hass.async_block_till_done()
        assert reloaded.state is ConfigEntryState.LOADED
        before, heard = published.pulses, published.hub.calls_last_hour
        await published.pulse(stamp)
        assert published.pulses == before + 1
        assert published.hub.calls_last_hour == heard + 1
        stamp += 3600
    await hass.config_entries.async_unload(mqtt.entry_id)
    await hass.config_entries.async_unload(published.board.entry_id)
    await hass.config_entries.async_setup(mqtt.entry_id)
    await hass.config_entries.async_setup(published.board.entry_id)
    await published.pulse(stamp)
    assert published.pulses == 6


async def test_board_that_is_unloaded(
    hass: HomeAssistant, published: Published, mqtt: ConfigEntry
) -> None:
    """What is published then is not ours, and what is not loaded is subscribed to nothing."""
    await published.pulse(1000)
    await hass.config_entries.async_unload(published.board.entry_id)
    await published.pulse(4600)
    await hass.config_entries.async_setup(published.board.entry_id)
    assert published.pulses == 1


@pytest.mark.usefixtures("mqtt")
async def test_pulse_that_cannot_be_kept_now(
    hass: HomeAssistant, published: Published, freezer: FrozenDateTimeFactory
) -> None:
    """The board will not repeat it, so it is tried again with the time at which it came."""
    ledger = hass.data[DATA_LEDGER]
    await published.pulse(1000)
    await ledger.async_close()
    came = dt_util.utcnow()
    await published.pulse(4600)
    await published.say("powerup")
    assert published.pulses == 1
    await later(hass, freezer)
    assert published.pulses == 1
    await ledger.async_open()
    await later(hass, freezer)
    assert published.pulses == 2
    assert published.hub.hearing.counts["PowerUp"] == 1
    at = published.hub.book.channel(1).at
    assert at is not None
    assert abs(at - came) < timedelta(seconds=1)


@pytest.mark.usefixtures("mqtt")
async def test_pulse_that_can_never_be_kept(
    hass: HomeAssistant,
    published: Published,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After a minute it is given up, and told."""
    await hass.data[DATA_LEDGER].async_close()
    await published.pulse(1000)
    for _ in range(MAX_AGAIN - 1):
        assert "a pulse may be lost" not in caplog.text
        await later(hass, freezer)
    assert "a pulse may be lost" in caplog.text
    assert published.hub.hearing.counts["lost"] == 1
    # What still waits is not tried any more once the board is unloaded.
    await published.pulse(2000)
    await hass.config_entries.async_unload(published.board.entry_id)
    await later(hass, freezer)
    await hass.data[DATA_LEDGER].async_open()


@pytest.mark.usefixtures("mqtt")
async def test_flood(published: Published, freezer: FrozenDateTimeFactory) -> None:
    """A broker that floods is held to the rate of a board."""
    freezer.move_to(datetime(2026, 11, 18, 12, tzinfo=dt_util.UTC))
    for _ in range(500):
        async_fire_mqtt_message(published.hass, STATUS, "alive", qos=1)
    await published.hass.async_block_till_done()
    assert published.hub.hearing.counts["too_many"] > 0


async def later(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let what waits be tried again."""
    freezer.tick(AGAIN_AFTER + timedelta(milliseconds=10))
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done(wait_background_tasks=True)
