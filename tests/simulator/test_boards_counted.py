"""The board's own pulses through messages and channels: our count is the board's."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.energy_homes.boards.fields import read_fields
from custom_components.energy_homes.boards.message import (
    FAILED,
    OK,
    MeterCount,
    PowerUp,
    Pulse,
    read_message,
)
from custom_components.energy_homes.boards.remote import read_update, update_reply
from custom_components.energy_homes.metering.pulses import (
    PulseChannel,
    PulseKind,
    PulseResult,
    PulseSettings,
)
from tests.board_control import BoardControl
from tests.simulator_client import SimulatorClient

pytestmark = pytest.mark.slow

SETTINGS = PulseSettings(pulses_per_kwh=1000, cap=11_000)
HOUR = timedelta(hours=1)

type Trouble = Callable[[int], str]


class Keeper:
    """Counts as Home Assistant will: what is acknowledged is kept."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin with nothing counted."""
        self.channels = {n: PulseChannel(settings=SETTINGS) for n in (1, 2)}
        self.results: list[PulseResult] = []
        self.trouble: Trouble = lambda _: "none"
        self.requests = 0
        self.reports: list[float | None] = []
        self.url = ""
        self._now = now

    async def hear(self, request: web.Request) -> web.StreamResponse:
        """Take a message, unless there is trouble before or after it is kept."""
        self.requests += 1
        trouble = self.trouble(self.requests)
        body = await request.read()
        fields = read_fields(request.query_string, body, request.content_type)
        if trouble == "not kept":
            return web.Response(status=FAILED.status, text=FAILED.text)
        match read_message(fields):
            case PowerUp():
                self.channels = {n: c.powered_up() for n, c in self.channels.items()}
            case Pulse(channel, stamp):
                result = self.channels[channel].take(stamp, self._now())
                self.results.append(result)
                kept = PulseChannel.from_data(result.channel.as_data(), SETTINGS)
                self.channels[channel] = kept
            case MeterCount(channel, hundredths):
                known = self.channels[channel]
                self.channels[channel] = known.with_metercount(hundredths)
        if trouble == "killed":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=OK.status, text=OK.text)

    async def report(self, request: web.Request) -> web.Response:
        """Take a daemon's report."""
        update = read_update(await request.read())
        self.reports += [reading.temperature for reading in update.readings]
        reply = update_reply(update, [reading.key for reading in update.readings])
        return web.json_response(reply.body, status=reply.status)

    def kinds(self) -> set[PulseKind]:
        """Return what the pulses were."""
        return {result.kind for result in self.results}


@pytest.fixture
async def keeper(noon: SimulatorClient) -> AsyncIterator[Keeper]:
    """Return a keeper in the test's own event loop."""
    found = Keeper(lambda: noon.now)
    app = web.Application()
    app.router.add_route("*", "/board", found.hear)
    app.router.add_put("/board/v1/sensors/update", found.report)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/board"))
        yield found


@pytest.fixture
def boards(noon: SimulatorClient) -> BoardControl:
    """Return the knobs of boards."""
    return BoardControl(noon)


def counts(boards: BoardControl, keeper: Keeper) -> list[tuple[int, int]]:
    """Return for each channel what the board was told is kept, and what is."""
    return [
        (boards.truth(number)["answered"], keeper.channels[number].pulses)
        for number in (1, 2)
    ]


@pytest.mark.parametrize("style", ["get", "form", "json"])
async def test_every_pulse(boards: BoardControl, keeper: Keeper, style: str) -> None:
    """An hour of the flat, across a wrap: each counts, all but the first have a power."""
    boards.power_on(keeper.url, style=style, uptime=timedelta(days=49.69))
    await boards.run(HOUR)
    for answered, pulses in counts(boards, keeper):
        assert answered == pulses > 20
    assert boards.truth(1)["produced"] == keeper.channels[1].pulses
    assert keeper.kinds() == {PulseKind.FIRST, PulseKind.NEXT}
    powers = [result.power for result in keeper.results if result.power is not None]
    assert len(powers) == len(keeper.results) - 2
    assert max(power.power for power in powers) > 1000


def troubled(number: int) -> str:
    """Return what happens to a request: some are killed after, some before the commit."""
    return {0: "killed", 3: "not kept"}.get(number % 7, "none")


async def test_trouble(boards: BoardControl, keeper: Keeper) -> None:
    """Answers lost, answers refused, connections killed: exactly the board's count."""
    keeper.trouble = troubled
    boards.power_on(keeper.url)
    await boards.run(HOUR / 4)
    boards.board(lose_answers=3)
    await boards.run(HOUR / 4)
    keeper.trouble = lambda _: "none"
    await boards.run(timedelta(seconds=2))
    for number in (1, 2):
        truth = boards.truth(number)
        kept = keeper.channels[number].pulses
        assert kept == truth["produced"] - truth["overrun"] - truth["waiting"] > 5
    assert PulseKind.DUPLICATE in keeper.kinds()


async def test_trouble_and_restarts(boards: BoardControl, keeper: Keeper) -> None:
    """What the board forgot may have been kept before its answer was lost, or not."""
    keeper.trouble = troubled
    boards.power_on(keeper.url)
    for announced in (True, False, False):
        await boards.run(HOUR / 6)
        boards.power_on(keeper.url, announced=announced)
    await boards.run(HOUR / 6)
    for number in (1, 2):
        truth = boards.truth(number)
        kept = keeper.channels[number].pulses
        seen = truth["produced"] - truth["overrun"]
        assert seen - truth["forgotten"] - truth["waiting"] <= kept <= seen
    assert {PulseKind.RESTART, PulseKind.FIRST} <= keeper.kinds()


async def test_an_outage(boards: BoardControl, keeper: Keeper) -> None:
    """What the buffer held counts afterwards with its true power; the rest is lost."""
    boards.power_on(keeper.url)
    await boards.run(HOUR / 2)
    keeper.trouble = lambda _: "not kept"
    await boards.run(HOUR / 8)
    keeper.trouble = lambda _: "none"
    await boards.run(HOUR / 8)
    for number in (1, 2):
        truth = boards.truth(number)
        assert keeper.channels[number].pulses == truth["produced"] - truth["overrun"]
    assert boards.truth(1)["overrun"] > 0
    assert keeper.kinds() == {PulseKind.FIRST, PulseKind.NEXT}


async def test_a_board_that_sends_the_newest_first(
    boards: BoardControl, keeper: Keeper
) -> None:
    """Late pulses count, whatever their order."""
    boards.board(overtake=True)
    boards.power_on(keeper.url)
    await boards.run(timedelta(minutes=10))
    keeper.trouble = lambda n: "not kept" if n % 60 < 30 else "none"
    await boards.run(HOUR)
    keeper.trouble = lambda _: "none"
    await boards.run(timedelta(minutes=10))
    for number in (1, 2):
        truth = boards.truth(number)
        assert keeper.channels[number].pulses == truth["produced"] - truth["overrun"]
    assert PulseKind.LATE in keeper.kinds()


async def test_the_meter_is_set_from_the_board(
    boards: BoardControl, keeper: Keeper
) -> None:
    """As its own menu does."""
    boards.power_on(keeper.url)
    await boards.settle()
    boards.send(channel=2, metercount=336_279)
    await boards.settle()
    assert keeper.channels[2].reading == 3362.79


async def test_what_the_daemon_measures(boards: BoardControl, keeper: Keeper) -> None:
    """A report is read as it was meant, and answered with 201."""
    boards.daemon(url=f"{keeper.url}/v1/sensors/update")
    await boards.settle()
    assert keeper.reports == list(boards.temperatures().values())
    answer = boards.overview()["daemons"]["harbour-pi"]["answers"][-1]
    assert answer[0] == 201
