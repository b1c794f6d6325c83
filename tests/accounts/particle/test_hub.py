"""A Particle account's hub in a whole Home Assistant, against the simulated cloud."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.hosts import HostUpdate
from custom_components.energy_homes.accounts.particle.address import address_budget
from custom_components.energy_homes.accounts.particle.board_hosts import host_of
from custom_components.energy_homes.accounts.particle.board_list import LIST_INTERVAL
from custom_components.energy_homes.accounts.particle.hub import ParticleHub
from custom_components.energy_homes.accounts.particle.known import SILENT_AFTER
from custom_components.energy_homes.accounts.particle.measures import (
    BoardConfig,
    Measure,
)
from custom_components.energy_homes.accounts.registry import (
    DATA_ACCOUNTS,
    AccountState,
    MeterUpdate,
)
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.metering.model import PowerReading
from custom_components.energy_homes.sensing.model import Quantity
from tests.builders import particle_entry
from tests.particle_control import (
    MILL_BOARD,
    PARTICLE_EXPIRED_TOKEN,
    PARTICLE_NO_EVENTS_TOKEN,
    PARTICLE_ODD_TOKEN,
    PARTICLE_PRODUCT,
    PARTICLE_PRODUCT_TOKEN,
    PARTICLE_TOKEN,
    ParticleControl,
)
from tests.simulator_client import SimulatorClient, to_ms
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ACCOUNT = "particle_account"
LATE = 2 * SECOND
"""Virtual time lets an event arrive up to a second late."""


class World:
    """One account, subscribers of its boards, and the cloud behind it."""

    def __init__(
        self, hass: HomeAssistant, particle: ParticleControl, virtual: VirtualTime
    ) -> None:
        """Begin without the account's entry."""
        self.hass = hass
        self.particle = particle
        self.virtual = virtual
        self.heard: dict[str, list[MeterUpdate]] = {}
        self.measured: dict[str, list[HostUpdate]] = {}
        self.entry: MockConfigEntry

    def state(self) -> AccountState:
        """Return how the account's conversation is going."""
        return self.hub.state

    @property
    def hub(self) -> ParticleHub:
        """Return the hub of the account, which is loaded."""
        assert self.entry.state is ConfigEntryState.LOADED
        hub: ParticleHub = self.entry.runtime_data
        return hub

    async def start(
        self,
        token: str = PARTICLE_TOKEN,
        boards: Iterable[BoardConfig] = (),
        **data: Any,
    ) -> None:
        """Set the account up, with a subscriber of each board there is."""
        self.entry = particle_entry(token, ACCOUNT, boards, **data)
        self.entry.add_to_hass(self.hass)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.virtual.settle()
        for board in self.particle.overview()["devices"]:
            self.follow(board)

    def follow(self, board: str) -> None:
        """Hear of a board, as a home does."""
        accounts = self.hass.data[DATA_ACCOUNTS]
        board_id = self.particle.device_id(board)
        updates = self.heard.setdefault(board, [])
        accounts.subscribe(ACCOUNT, board_id, updates.append)
        measured = self.measured.setdefault(board, [])
        accounts.hosts.subscribe(ACCOUNT, host_of(board_id), measured.append)

    def readings(self, board: str = MILL_BOARD) -> list[tuple[int, float]]:
        """Return the powers that a subscriber heard, by epoch milliseconds."""
        return [
            (to_ms(update.reading.at), update.reading.power)
            for update in self.heard[board]
            if isinstance(update.reading, PowerReading)
        ]

    def published(
        self,
        begin: datetime,
        end: datetime,
        board: str = MILL_BOARD,
        event: str = "power",
    ) -> list[tuple[int, float]]:
        """Return the powers that a board published in [begin, end)."""
        found = self.particle.published(event, board, begin, end)
        return [(at_ms, float(data or "nan")) for at_ms, data in found]

    def reauths(self) -> int:
        """Return how many reauthentications are under way."""
        return len(
            self.hass.config_entries.flow.async_progress_by_handler(
                DOMAIN, match_context={"source": SOURCE_REAUTH}
            )
        )


@pytest.fixture
def account(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> World:
    """Return an account to set up."""
    return World(hass, particle, virtual)


async def test_every_reading_arrives_once(account: World) -> None:
    """One stream and one list are all it takes, and nothing is lost or told twice."""
    await account.start()
    begin = account.virtual.now
    await account.virtual.run(10 * MINUTE)
    end = account.virtual.now

    told = account.published(begin, end - LATE)
    assert len(told) > 140
    assert account.readings()[: len(told)] == told
    assert account.particle.calls() == {"devices": 2, "events": 1}
    assert account.state() is AccountState.CONNECTED
    (meter,) = account.hub.meters.values()
    assert (meter.name, meter.ghost) == (MILL_BOARD, False)
    assert account.hub.missing == {}
    assert account.hub.calls_last_hour == account.hub.calls_last_day == 3
    assert account.hub.calls.stream_opens_last_hour == 1


async def test_a_product_is_one_stream_for_all_its_boards(account: World) -> None:
    """Boards of a product come in pages, and over the product's own stream."""
    await account.start(PARTICLE_PRODUCT_TOKEN, product=str(PARTICLE_PRODUCT))
    begin = account.virtual.now
    await account.virtual.run(2 * MINUTE)
    for board in ("terrace-1", "terrace-2"):
        told = account.published(begin, account.virtual.now - LATE, board)
        assert told
        assert account.readings(board)[: len(told)] == told
    assert account.particle.calls(PARTICLE_PRODUCT_TOKEN) == {
        "product_devices": 1,
        "events": 1,
    }


@pytest.mark.parametrize("end", ["cut", "reset", "close"])
async def test_a_stream_that_breaks_is_opened_again_at_once(
    account: World, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    """Few readings are lost, nobody sees an outage, and nothing is logged."""
    await account.start()
    await account.virtual.run(MINUTE)
    caplog.clear()
    begin = account.virtual.now
    getattr(account.particle, end)()
    await account.virtual.run(MINUTE)
    told = account.published(begin + 8 * SECOND, account.virtual.now - LATE)
    assert told
    assert set(told) <= set(account.readings())
    assert account.state() is AccountState.CONNECTED
    assert account.particle.calls()["events"] == 2
    assert not [
        record
        for record in caplog.records
        if record.levelno >= logging.WARNING and DOMAIN in record.name
    ]
    assert len(account.particle.streams()) == 1


async def test_what_comes_twice_or_late_counts_once(account: World) -> None:
    """Duplicates are dropped, and what is out of order is in time where it belongs."""
    await account.start()
    begin = account.virtual.now
    account.particle.duplicate(30)
    await account.virtual.run(MINUTE)
    account.particle.disorder(10)
    await account.virtual.run(2 * MINUTE)
    told = account.published(begin, account.virtual.now - LATE)
    heard = account.readings()
    assert sorted(heard)[: len(told)] == told
    assert len(heard) == len(set(heard))
    assert account.hub.hearing.counts["duplicate"] == 30


async def test_garbage_harms_nobody(account: World) -> None:
    """What makes no sense is counted; what comes after it is heard."""
    await account.start()
    odd = 'event: {}\ndata: {{"data":"9","published_at":"{}","coreid":"{}"}}\n\n'
    for raw in (
        "event: power\ndata: {}\n\n",
        "data: [\n\n",
        ":\n:\n\r\r\n",
        odd.format("power", "2199-01-01T00:00:00Z", account.particle.device_id()),
        odd.format("hook-sent/x", "2026-11-18T10:00:00Z", "particle-internal"),
    ):
        account.particle.send(raw)
    begin = account.virtual.now
    await account.virtual.run(MINUTE)
    told = account.published(begin, account.virtual.now - LATE)
    assert account.readings()[: len(told)] == told
    assert account.hub.hearing.counts["nonsense"] == 2
    assert account.hub.hearing.counts["future"] == 1
    assert account.hub.hearing.counts["ignored"] == 1
    assert account.particle.calls()["events"] == 1


async def test_a_stream_that_stalls_is_noticed(account: World) -> None:
    """Ten minutes of silence are an outage, over by itself, within the limits."""
    await account.start()
    await account.virtual.run(MINUTE)
    account.particle.silence(for_=10 * MINUTE)
    await account.virtual.run(5 * MINUTE)
    assert account.state() is AccountState.OUTAGE
    assert account.heard[MILL_BOARD][-1].available is False
    await account.virtual.run(12 * MINUTE)
    assert account.state() is AccountState.CONNECTED
    assert account.heard[MILL_BOARD][-1].available is True
    begin = account.virtual.now
    await account.virtual.run(MINUTE)
    told = account.published(begin, account.virtual.now - LATE)
    assert set(told) <= set(account.readings())
    assert account.particle.calls()["events"] < 15


async def test_an_outage_is_told_once_and_ends(
    account: World, simulator: SimulatorClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A cloud that is away is logged once down and once up; homes hear of it."""
    await account.start()
    await account.virtual.run(MINUTE)
    caplog.clear()
    simulator.fault("http_503")
    account.particle.reset()
    await account.virtual.run(20 * MINUTE)
    assert account.state() is AccountState.OUTAGE
    assert account.heard[MILL_BOARD][-1] == MeterUpdate(available=False)
    assert account.measured[MILL_BOARD][-1] == HostUpdate(available=False)
    assert caplog.text.count("cannot be listened to") == 1
    assert account.particle.calls()["events"] < 20
    simulator.clear_faults()
    await account.virtual.run(6 * MINUTE)
    assert account.state() is AccountState.CONNECTED
    assert caplog.text.count("answers again") == 1
    assert account.heard[MILL_BOARD][-1].available is True


async def test_a_call_limit_is_waited_for(
    account: World, simulator: SimulatorClient, caplog: pytest.LogCaptureFixture
) -> None:
    """429 is no outage, and is not asked through."""
    await account.start()
    await account.virtual.run(MINUTE)
    simulator.fault("http_429", "events")
    account.particle.reset()
    await account.virtual.run(10 * MINUTE)
    assert account.state() is AccountState.QUOTA
    assert account.particle.calls()["events"] < 8
    assert caplog.text.count("call limit") == 1
    simulator.clear_faults()
    await account.virtual.run(31 * MINUTE)
    assert account.state() is AccountState.CONNECTED
    assert "answers again after its call limit" in caplog.text


async def test_a_token_that_ends_in_the_middle_asks_for_another(
    account: World,
) -> None:
    """The stream merely ends; whoever asks is told why, and nothing is asked after that."""
    await account.start()
    account.particle.expire(at=account.virtual.now + MINUTE)
    await account.virtual.run(2 * MINUTE)
    assert account.state() is AccountState.AUTH
    assert account.reauths() == 1
    assert account.heard[MILL_BOARD][-1].available is False
    calls = account.particle.calls()
    await account.virtual.run(HOUR)
    assert account.particle.calls() == calls
    assert account.reauths() == 1


@pytest.mark.parametrize(
    ("fault", "state", "reauths"),
    [
        ("http_401", ConfigEntryState.SETUP_ERROR, 1),
        ("http_503", ConfigEntryState.SETUP_RETRY, 0),
        ("garbage", ConfigEntryState.SETUP_RETRY, 0),
        ("http_429", ConfigEntryState.LOADED, 0),
    ],
)
async def test_the_beginning_tells_failures_apart(
    account: World,
    simulator: SimulatorClient,
    fault: str,
    state: ConfigEntryState,
    reauths: int,
) -> None:
    """Each kind of failure does what it has to, and what passes by is got over."""
    simulator.fault(fault)
    await account.start()
    assert account.entry.state is state
    assert account.reauths() == reauths
    if state is ConfigEntryState.LOADED:
        simulator.clear_faults()
        await account.virtual.run(3 * MINUTE)
        assert account.state() is AccountState.CONNECTED
        assert account.readings()


@pytest.mark.parametrize("token", [PARTICLE_EXPIRED_TOKEN, PARTICLE_NO_EVENTS_TOKEN])
async def test_a_token_without_the_right_asks_for_another(
    account: World, token: str
) -> None:
    """An expired token is refused at once, one that may not listen when it tries."""
    await account.start(token)
    await account.virtual.run(MINUTE)
    assert account.reauths() == 1


async def test_a_board_that_goes_is_told(account: World) -> None:
    """Offline comes late and from the cloud; back online readings go on."""
    await account.start()
    await account.virtual.run(MINUTE)
    account.particle.offline()
    await account.virtual.run(MINUTE)
    update = account.heard[MILL_BOARD][-1]
    assert (update.available, update.online) == (False, False)
    assert account.measured[MILL_BOARD][-1].online is False
    assert account.measured[MILL_BOARD][-1].readings == ()
    board_id = account.particle.device_id()
    await account.virtual.run(SILENT_AFTER)
    assert account.hub.missing.keys() == {board_id}
    account.particle.online()
    await account.virtual.run(MINUTE)
    assert account.heard[MILL_BOARD][-1].available is True
    assert account.heard[MILL_BOARD][-1].online is True
    assert account.hub.missing == {}


async def test_the_list_follows_the_account(account: World) -> None:
    """Boards that come, go or get another name are known after the next list."""
    await account.start()
    account.particle.add("other", watts=100)
    account.particle.rename(MILL_BOARD, "fridge")
    await account.virtual.run(LIST_INTERVAL + MINUTE)
    names = {board.name for board in account.hub.known.boards.values()}
    assert names == {"other", "fridge"}
    account.particle.remove("other")
    await account.virtual.run(LIST_INTERVAL + MINUTE)
    listed = [b.name for b in account.hub.known.boards.values() if b.device is not None]
    assert listed == ["fridge"]


async def test_a_list_that_fails_is_no_outage(
    account: World, simulator: SimulatorClient
) -> None:
    """While the stream tells what boards say, the list can wait."""
    await account.start()
    simulator.fault("http_503", "devices")
    await account.virtual.run(30 * MINUTE)
    assert account.state() is AccountState.CONNECTED
    assert account.heard[MILL_BOARD][-1].available is True


async def test_a_list_that_is_refused_asks_for_another_token(
    account: World, simulator: SimulatorClient
) -> None:
    """A token that was revoked is noticed at the next list at the latest."""
    await account.start()
    simulator.fault("http_401", "devices")
    await account.virtual.run(LIST_INTERVAL + MINUTE)
    assert account.state() is AccountState.AUTH
    assert account.reauths() == 1


async def test_a_gap_is_filled_by_asking_once(account: World) -> None:
    """After a stream broke a variable that stands for a measure is read, but once."""
    await account.start(PARTICLE_ODD_TOKEN)
    await account.virtual.run(2 * MINUTE)
    before = account.particle.calls(PARTICLE_ODD_TOKEN).get("variable", 0)
    account.particle.close()
    await account.virtual.run(2 * MINUTE)
    assert account.particle.calls(PARTICLE_ODD_TOKEN)["variable"] == before + 1


async def test_variables_that_no_event_tells_of_are_asked_for(
    account: World, simulator: SimulatorClient
) -> None:
    """Once a minute while the board is online; one that cannot be asked harms nobody."""
    board_id = account.particle.device_id("battery")
    measures = (
        Measure(variable="SoC", quantity=Quantity.PERCENTAGE),
        Measure(variable="none", quantity=Quantity.NUMBER),
    )
    await account.start(
        PARTICLE_ODD_TOKEN,
        boards=[BoardConfig(board_id=board_id, measures=measures)],
    )
    await account.virtual.run(5 * MINUTE + SECOND)
    hub = account.hub
    assert 10 <= account.particle.calls(PARTICLE_ODD_TOKEN)["variable"] <= 14
    assert hub.hearing.counts["variable_unknown"] >= 5
    (charge,) = hub.sensing.hosts[host_of(board_id)].readings
    assert charge.hardware_id == "SoC"
    assert charge.heard(account.virtual.now)
    simulator.fault("http_503", "variable")
    await account.virtual.run(MINUTE)
    assert hub.hearing.counts["variable_failed"] >= 2
    assert account.state() is AccountState.CONNECTED
    account.particle.offline("battery", late=SECOND)
    await account.virtual.run(MINUTE)
    calls = account.particle.calls(PARTICLE_ODD_TOKEN)["variable"]
    await account.virtual.run(5 * MINUTE)
    assert account.particle.calls(PARTICLE_ODD_TOKEN)["variable"] == calls


async def test_older_boards_are_known_too(account: World) -> None:
    """Events of older firmware make a meter, and a battery's charge a sensor."""
    await account.start(PARTICLE_ODD_TOKEN)
    begin = account.virtual.now
    await account.virtual.run(2 * MINUTE)
    told = account.published(
        begin, account.virtual.now - LATE, "older", "Apparent Power"
    )
    assert account.readings("older")[: len(told)] == told
    hosts = {host.name: host for host in account.hub.sensing.hosts.values()}
    assert hosts["battery"].offered is True
    assert hosts["older"].offered is False
    (charge,) = hosts["battery"].readings
    assert charge.unit == "%"
    assert charge.heard(account.virtual.now)


async def test_what_moves_little_is_shown_now_and_then(account: World) -> None:
    """A battery that says the same every 5 s is told every 10 s."""
    await account.start(PARTICLE_ODD_TOKEN)
    await account.virtual.run(MINUTE)
    before = len(account.measured["battery"])
    await account.virtual.run(5 * MINUTE)
    assert 25 <= len(account.measured["battery"]) - before <= 31


async def test_a_home_that_fails_takes_nothing_from_others(
    account: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A listener that raises is logged, and the others hear the same."""
    await account.start()
    troubled = False

    def fail(_update: object) -> None:
        """Fail while there is trouble."""
        if troubled:
            raise RuntimeError("a home's trouble")

    accounts = account.hass.data[DATA_ACCOUNTS]
    board_id = account.particle.device_id()
    accounts.subscribe(ACCOUNT, board_id, fail)
    accounts.hosts.subscribe(ACCOUNT, host_of(board_id), fail)
    troubled = True
    begin = account.virtual.now
    await account.virtual.run(MINUTE)
    told = account.published(begin, account.virtual.now - LATE)
    assert set(told) <= set(account.readings())
    assert "A home did not take what board" in caplog.text
    troubled = False


async def test_unloading_closes_the_stream(account: World) -> None:
    """Nothing is heard or asked after that, and subscribers know."""
    await account.start()
    await account.virtual.run(MINUTE)
    await account.hass.config_entries.async_unload(account.entry.entry_id)
    await account.virtual.settle()
    calls = account.particle.calls()
    await account.virtual.run(30 * MINUTE)
    assert account.particle.streams() == []
    assert account.particle.calls() == calls
    assert account.heard[MILL_BOARD][-1] == MeterUpdate(available=False)
    assert address_budget(account.hass).open_streams == 0


async def test_a_restart_knows_who_was_there(account: World) -> None:
    """A board that was heard before and is not now is missing since then."""
    await account.start()
    await account.virtual.run(MINUTE)
    seen = datetime.fromtimestamp(account.readings()[-1][0] / 1000, UTC)
    account.particle.offline(late=SECOND)
    await account.virtual.run(MINUTE)
    await account.hass.config_entries.async_reload(account.entry.entry_id)
    await account.virtual.run(SILENT_AFTER)
    assert account.hub.missing == {account.particle.device_id(): seen}


async def test_forgotten_with_its_entry(
    account: World, hass_storage: dict[str, Any]
) -> None:
    """Removing the account removes what was stored for it."""
    await account.start()
    await account.virtual.run(MINUTE)
    await account.hass.config_entries.async_unload(account.entry.entry_id)
    key = f"{DOMAIN}.account.{account.entry.entry_id}"
    assert hass_storage[key]["data"].keys() == {account.particle.device_id()}
    await account.hass.config_entries.async_remove(account.entry.entry_id)
    assert key not in hass_storage
