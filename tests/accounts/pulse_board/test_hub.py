"""The board's hub: what is acknowledged is kept, and homes hear of it in order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
import sqlite3

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_homes.accounts.pulse_board.hearing import SET_METER_OFF
from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.accounts.pulse_board.presence import ONLINE_FOR
from custom_components.energy_homes.accounts.registry import (
    AccountHub,
    Accounts,
    AccountState,
    MeterUpdate,
)
from custom_components.energy_homes.boards.config import BoardConfig, ChannelConfig
from custom_components.energy_homes.boards.message import (
    BUSY,
    OK,
    Debug,
    MeterCount,
    PowerUp,
    PushReadings,
    SelfTest,
    Stop,
)
from custom_components.energy_homes.ledger import Ledger, LedgerError
from custom_components.energy_homes.metering.model import CounterReading, MeterRole
from custom_components.energy_homes.metering.pulses import PulseSettings
from tests.board_kit import CONFIG, KEY, SECRET, Follower, ledger_at, pulse, started_hub

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def ledger(
    freezer: FrozenDateTimeFactory, hass: HomeAssistant, tmp_path: Path
) -> AsyncIterator[Ledger]:
    """Return an open ledger, at noon."""
    freezer.move_to(NOON)
    ledger = ledger_at(hass, tmp_path)
    await ledger.async_open()
    yield ledger
    await ledger.async_close()


@pytest.fixture
def accounts() -> Accounts:
    """Return where homes find the board."""
    return Accounts()


@pytest.fixture
async def hub(
    hass: HomeAssistant, ledger: Ledger, accounts: Accounts
) -> AsyncIterator[PulseBoardHub]:
    """Return a board that was never heard."""
    hub = await started_hub(hass, ledger, accounts=accounts)
    yield hub
    await hub.async_stop()


async def passed(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, time: timedelta
) -> None:
    """Let time pass, second by second where that matters."""
    end = datetime.now(UTC) + time
    step = max(time / 20, SECOND)
    while datetime.now(UTC) < end:
        freezer.tick(step)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()


async def counted(
    hub: PulseBoardHub, freezer: FrozenDateTimeFactory, *stamps: int, channel: int = 1
) -> None:
    """Let pulses arrive at their own time, counted from noon, and be kept."""
    for stamp in stamps:
        freezer.move_to(NOON + timedelta(milliseconds=stamp))
        assert await pulse(hub, stamp, channel) == OK


async def test_pulses_are_kept_before_they_are_answered(
    hub: PulseBoardHub, ledger: Ledger, freezer: FrozenDateTimeFactory
) -> None:
    """When the answer is there, so is the count in the ledger."""
    for stamp in (1000, 4600, 8200):
        freezer.move_to(NOON + timedelta(milliseconds=stamp))
        assert await pulse(hub, stamp) == OK
        kept = await ledger.boards.async_load(KEY)
        assert kept[1]["pulses"] == hub.book.channels[1].pulses
    assert hub.book.channels[1].pulses == 3
    assert hub.book.channels[2].pulses == 0


async def test_homes_hear_energy_and_power(
    hub: PulseBoardHub, accounts: Accounts, freezer: FrozenDateTimeFactory
) -> None:
    """The first pulse after power-up has no power, and nobody knows what was before it."""
    first, second = Follower(accounts, 1), Follower(accounts, 2)
    # What was never heard has counted nothing until now, which is where homes begin.
    assert not first.last.available
    assert first.last.reading == CounterReading(NOON, 0.0)

    await counted(hub, freezer, 1000)
    assert first.power() == (None, False)
    await counted(hub, freezer, 4600)

    assert first.power() == (1000.0, False)
    assert first.readings == [(NOON + SECOND, 0.001), (NOON + 4.6 * SECOND, 0.002)]
    assert first.gaps == [NOON + SECOND]
    assert second.readings == []
    assert second.last.available


async def test_board_is_an_account(
    hub: PulseBoardHub, freezer: FrozenDateTimeFactory
) -> None:
    """Its channels are meters; those that nobody set up have the defaults."""
    account: AccountHub = hub
    assert account.state is AccountState.STARTING
    assert set(account.meters) == {"1", "2"}

    await counted(hub, freezer, 1000, 4600)
    await counted(hub, freezer, 5000, channel=7)

    assert hub.state is AccountState.CONNECTED
    meter = account.meters["1"]
    assert (meter.name, meter.role, meter.power) == ("Meter 1", MeterRole.GRID, 1000.0)
    assert meter.last_seen == NOON + 4.6 * SECOND
    assert account.meters["7"].name == "Channel 7"
    assert hub.book.channels[7].settings.pulses_per_kwh == 100
    assert account.missing == {}
    assert SECRET not in repr(hub.config)


async def test_restart_goes_on_and_knows_repeats(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    ledger: Ledger,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A pulse whose answer was lost with the process is not counted twice."""
    await counted(hub, freezer, 1000, 4600)
    await hub.async_stop()

    accounts = Accounts()
    again = await started_hub(hass, ledger, accounts=accounts)
    home = Follower(accounts)
    assert home.readings == [(NOON + 4.6 * SECOND, 0.002)]
    assert home.power() == (1000.0, False)
    await counted(again, freezer, 4600, 8200)
    assert again.book.channels[1].pulses == 3
    assert home.power() == (1000.0, False)
    assert home.gaps == []
    await again.async_stop()


async def test_ledger_that_fails_counts_nothing(
    hub: PulseBoardHub,
    ledger: Ledger,
    accounts: Accounts,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The board is told to send it again, and then it counts once."""
    home = Follower(accounts)
    await ledger.async_close()
    assert await pulse(hub, 1000) == BUSY
    assert await pulse(hub, 1000) == BUSY
    assert hub.book.channels[1].pulses == 0
    assert home.readings == []
    assert await hub.async_hear(PowerUp(), NOON) == BUSY

    await ledger.async_open()
    await counted(hub, freezer, 1000)
    assert hub.book.channels[1].pulses == 1
    assert caplog.text.count("cannot be kept") == 1
    assert caplog.text.count("are kept again") == 1
    assert SECRET not in caplog.text


async def test_ledger_that_cannot_be_read(
    hass: HomeAssistant, ledger: Ledger, tmp_path: Path
) -> None:
    """A board does not begin at zero because its counts cannot be read."""
    await ledger.boards.async_store(KEY, {1: {"pulses": 1}})
    with sqlite3.connect(tmp_path / "energy_homes.db") as other:
        other.execute("UPDATE board_channel SET data = 'x'")
    other.close()
    with pytest.raises(LedgerError, match="cannot be read"):
        await started_hub(hass, ledger)


async def test_what_comes_together_is_committed_together(
    hub: PulseBoardHub, freezer: FrozenDateTimeFactory
) -> None:
    """Two hundred pulses cost a few transactions, however slow the disk."""
    freezer.move_to(NOON + 100 * SECOND)
    replies = await asyncio.gather(
        *(pulse(hub, stamp, 1 + stamp % 8) for stamp in range(1000, 1800, 8)),
        *(pulse(hub, stamp, 1 + stamp % 8) for stamp in range(1001, 1801, 8)),
    )
    assert set(replies) == {OK}
    assert [hub.book.channels[number].pulses for number in (1, 2)] == [100, 100]
    assert hub.book.commits < 20


async def test_repeat_costs_no_transaction(
    hub: PulseBoardHub, freezer: FrozenDateTimeFactory
) -> None:
    """What is known is acknowledged at once."""
    await counted(hub, freezer, 1000)
    commits = hub.book.commits
    await counted(hub, freezer, 1000)
    assert hub.book.commits == commits
    assert hub.book.channels[1].pulses == 1


async def test_board_that_hangs_up(hass: HomeAssistant, hub: PulseBoardHub) -> None:
    """What was begun is finished, and the repeat is known."""
    asked = asyncio.ensure_future(pulse(hub, 1000))
    await asyncio.sleep(0)
    asked.cancel()
    await hass.async_block_till_done()
    assert hub.book.channels[1].pulses == 1
    assert await pulse(hub, 1000) == OK
    assert hub.book.channels[1].pulses == 1


async def test_power_falls_when_pulses_stop(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    accounts: Accounts,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It falls by itself, says that it is an estimate, and is zero below 25 W."""
    home = Follower(accounts)
    await counted(hub, freezer, 1000, 4600)
    assert home.power() == (1000.0, False)

    freezer.move_to(NOON + 13 * SECOND)
    async_fire_time_changed(hass)
    assert home.power() == (500.0, True)
    assert home.last.reading is None
    freezer.move_to(NOON + 22 * SECOND)
    async_fire_time_changed(hass)
    assert home.power() == (250.0, True)

    await passed(hass, freezer, timedelta(minutes=10))
    assert home.power() == (0.0, True)
    powers = [u.present.power for u in home.updates if u.present and u.present.power]
    assert powers == sorted(powers, reverse=True)

    later = 700_000
    await counted(hub, freezer, later, later + 3600)
    assert home.power() == (1000.0, False)


async def test_power_that_comes_faster_is_watched_sooner(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    accounts: Accounts,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After a jump upwards the fall is not put off by what held before."""
    home = Follower(accounts)
    await counted(hub, freezer, 0, 100_000, 101_000)
    assert home.power() == (3600.0, False)
    freezer.move_to(NOON + 104 * SECOND)
    async_fire_time_changed(hass)
    assert home.power() == (1800.0, True)


async def test_power_up(
    hub: PulseBoardHub, accounts: Accounts, freezer: FrozenDateTimeFactory
) -> None:
    """Counts stay, the next pulse of each channel has no power."""
    home = Follower(accounts)
    await counted(hub, freezer, 1000, 4600)
    assert await hub.async_hear(PowerUp(), datetime.now(UTC)) == OK
    assert home.power() == (None, False)

    freezer.tick(60 * SECOND)
    assert await pulse(hub, 500) == OK
    assert hub.book.channels[1].pulses == 3
    assert home.power() == (None, False)
    assert home.gaps == [NOON + SECOND, datetime.now(UTC)]
    freezer.tick(7.2 * SECOND)
    assert await pulse(hub, 7700) == OK
    assert home.power() == (500.0, False)


async def test_restart_that_nobody_announced(
    hub: PulseBoardHub, accounts: Accounts, freezer: FrozenDateTimeFactory
) -> None:
    """The pulse counts, and what was used before it is not known."""
    home = Follower(accounts)
    await counted(hub, freezer, 1_000_000)
    freezer.tick(5 * SECOND)
    assert await pulse(hub, 5000) == OK
    assert hub.book.channels[1].pulses == 2
    assert home.gaps[-1] == datetime.now(UTC)


async def test_late_pulse_comes_with_the_next(
    hub: PulseBoardHub, accounts: Accounts, freezer: FrozenDateTimeFactory
) -> None:
    """Homes never hear of an instant before the last one."""
    home = Follower(accounts)
    await counted(hub, freezer, 1000, 8200)
    assert await pulse(hub, 4600) == OK
    assert len(home.readings) == 2
    await counted(hub, freezer, 11_800)
    assert home.readings[-1] == (NOON + 11.8 * SECOND, 0.004)


async def test_stamps_never_go_back(
    hub: PulseBoardHub, accounts: Accounts, freezer: FrozenDateTimeFactory
) -> None:
    """While a clock that was set back catches up, energy waits, and the gap is not lost."""
    home = Follower(accounts)
    await counted(hub, freezer, 10_000)
    assert await hub.async_hear(PowerUp(), datetime.now(UTC)) == OK
    freezer.move_to(NOON + 8 * SECOND)
    assert await pulse(hub, 1000) == OK
    assert home.readings == [(NOON + 10 * SECOND, 0.001)]
    freezer.move_to(NOON + 11 * SECOND)
    assert await pulse(hub, 4000) == OK
    assert home.readings[1:] == [(NOON + 11 * SECOND, 0.003)]
    assert home.gaps == [NOON + 10 * SECOND, NOON + 11 * SECOND]


async def test_full_buffer_leaves_a_gap(
    hub: PulseBoardHub, accounts: Accounts, freezer: FrozenDateTimeFactory
) -> None:
    """Five pulses that waited for long tell that others were lost after them."""
    home = Follower(accounts)
    await counted(hub, freezer, 1000, 2000, 3000)
    freezer.move_to(NOON + 60 * SECOND)
    for stamp in (4000, 5000, 6000, 7000, 8000):
        assert await pulse(hub, stamp) == OK
    assert home.gaps == [NOON + SECOND]
    await counted(hub, freezer, 61_000)
    assert home.gaps == [NOON + SECOND, NOON + 61 * SECOND]
    await counted(hub, freezer, 62_000, 63_000, 64_000, 65_000, 66_000, 67_000)
    assert home.gaps == [NOON + SECOND, NOON + 61 * SECOND]


async def test_meter_is_set_only_while_that_is_allowed(
    hub: PulseBoardHub, freezer: FrozenDateTimeFactory
) -> None:
    """A board sets what its meters show while its owner lets it, and no energy is lost."""
    await counted(hub, freezer, 1000)
    assert await hub.async_hear(MeterCount(1, 336_279), NOON) == SET_METER_OFF
    assert hub.book.channels[1].reading == 0.001
    assert hub.hearing.counts["set_meter_off"] == 1

    hub.hearing.let_set_meter(True)
    assert await hub.async_hear(MeterCount(1, 336_279), NOON) == OK
    assert hub.book.channels[1].reading == 3362.79
    assert hub.book.channels[1].energy == 0.001


async def test_meter_and_subtotal_are_set_by_hand(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    ledger: Ledger,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What people set is kept as pulses are."""
    await counted(hub, freezer, 1000, 2000)
    assert await hub.hearing.async_set_reading(1, 12.5)
    assert await hub.hearing.async_reset_subtotal(1)
    await counted(hub, freezer, 3000)
    with pytest.raises(ValueError, match="cannot show"):
        await hub.hearing.async_set_reading(1, -1)
    await hub.async_stop()

    again = await started_hub(hass, ledger)
    channel = again.book.channels[1]
    assert channel.reading == 12.501
    assert channel.subtotal == pytest.approx(0.001)
    assert channel.energy == 0.003
    await again.async_stop()
    assert not await again.hearing.async_reset_subtotal(1), (
        "Nothing is kept after the end"
    )


async def test_what_asks_for_nothing(
    hub: PulseBoardHub, caplog: pytest.LogCaptureFixture
) -> None:
    """Self-test and stop are answered and change nothing; debug only what is logged."""
    caplog.set_level("DEBUG", "custom_components.energy_homes")
    for message in (SelfTest(), Stop()):
        assert await hub.async_hear(message, NOON) == OK
    assert "SelfTest" not in caplog.text
    assert hub.book.commits == 0

    assert await hub.async_hear(Debug(True), NOON) == OK
    assert await pulse(hub, 1000) == OK
    assert "Pulse(channel=1, stamp=1000)" in caplog.text
    hub.hearing.refused("millis")
    assert "cannot be used: millis" in caplog.text
    assert await hub.async_hear(Debug(False), NOON) == OK
    caplog.clear()
    await pulse(hub, 2000)
    assert "stamp=2000" not in caplog.text


async def test_board_asks_for_its_readings_to_be_pushed(hub: PulseBoardHub) -> None:
    """Who pushes them is told, until they no longer listen."""
    asked: list[str] = []
    stop = hub.hearing.push_asked.add(lambda: asked.append("push"))
    assert await hub.async_hear(PushReadings(), NOON) == OK
    stop()
    assert await hub.async_hear(PushReadings(), NOON) == OK
    assert asked == ["push"]


async def test_board_that_falls_silent(
    hass: HomeAssistant,
    hub: PulseBoardHub,
    accounts: Accounts,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is away after half an hour, and back with the first word."""
    home = Follower(accounts)
    told: list[bool] = []
    stop = hub.async_add_listener(lambda: told.append(hub.presence.online))
    await counted(hub, freezer, 1000, 4600)
    freezer.move_to(NOON + timedelta(minutes=20))
    assert await hub.async_hear(SelfTest(), datetime.now(UTC)) == OK
    freezer.move_to(NOON + ONLINE_FOR + timedelta(minutes=1))
    async_fire_time_changed(hass)
    assert hub.presence.online

    freezer.move_to(NOON + ONLINE_FOR + timedelta(minutes=21))
    async_fire_time_changed(hass)
    assert not hub.presence.online
    assert hub.state is AccountState.OUTAGE
    assert home.last == MeterUpdate(available=False)
    assert hub.meters["1"].power is None
    assert told[-1] is False

    assert await hub.async_hear(SelfTest(), datetime.now(UTC)) == OK
    assert hub.state is AccountState.CONNECTED
    assert home.last.available
    stop()


async def test_slow_meter_is_waited_for(
    hass: HomeAssistant, ledger: Ledger, freezer: FrozenDateTimeFactory
) -> None:
    """A meter with ten pulses in a kWh says nothing for hours."""
    settings = PulseSettings(pulses_per_kwh=10.0)
    config = BoardConfig(
        secret=SECRET, channels={1: ChannelConfig(name="Slow", settings=settings)}
    )
    hub = await started_hub(hass, ledger, config=config)
    await counted(hub, freezer, 1000)
    freezer.move_to(NOON + timedelta(hours=4.9))
    async_fire_time_changed(hass)
    assert hub.presence.online
    freezer.move_to(NOON + timedelta(hours=5.1))
    async_fire_time_changed(hass)
    assert not hub.presence.online
    await hub.async_stop()


async def test_home_in_trouble_disturbs_nobody(
    hub: PulseBoardHub, accounts: Accounts, freezer: FrozenDateTimeFactory
) -> None:
    """What one home makes of a pulse changes neither the count nor the answer."""
    await counted(hub, freezer, 1000)

    def fail(update: MeterUpdate) -> None:
        """Refuse what comes after the present state."""
        assert update.reading is None or update.reading.at <= NOON + SECOND

    accounts.subscribe(KEY, "1", fail)
    other = Follower(accounts, 2)

    def fail_too() -> None:
        """Refuse to listen."""
        raise RuntimeError("a listener's own trouble")

    hub.async_add_listener(fail_too)
    await counted(hub, freezer, 4600)
    await counted(hub, freezer, 5000, channel=2)
    assert hub.book.channels[1].pulses == 2
    assert other.readings == [(NOON + 5 * SECOND, 0.001)]


async def test_calls_are_counted(
    hub: PulseBoardHub, freezer: FrozenDateTimeFactory
) -> None:
    """What the board asks for in an hour and a day, and no more than it may at once."""
    assert all(hub.requests.admit() for _ in range(300))
    freezer.tick(timedelta(hours=2))
    assert [hub.requests.admit() for _ in range(600)].count(True) == 400
    assert hub.calls_last_hour == 600
    assert hub.calls_last_day == 900
    assert hub.hearing.counts["too_many"] == 200


def test_config_survives() -> None:
    """What people set is kept, secret and all."""
    assert BoardConfig.from_data(CONFIG.as_data()) == CONFIG


async def test_channels_of_several_boards(hass: HomeAssistant, ledger: Ledger) -> None:
    """Boards count side by side; one that is forgotten leaves the others alone."""
    hubs = [await started_hub(hass, ledger, key=f"board_{n}") for n in range(3)]
    await asyncio.gather(*(pulse(hub, 1000) for hub in hubs))
    assert [hub.book.channels[1].pulses for hub in hubs] == [1, 1, 1]
    assert await ledger.boards.async_forget("board_1") == 1
    assert await ledger.boards.async_load("board_1") == {}
    assert set(await ledger.boards.async_load("board_2")) == {1}
    for hub in hubs:
        await hub.async_stop()
