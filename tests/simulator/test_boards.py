"""The pulse board: what it counts, keeps, repeats and forgets, over real HTTP."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from simulator.boards.led import Led
from simulator.home import Household
from tests.board_control import BoardControl
from tests.simulator.conftest import NOON
from tests.simulator_client import SimulatorClient, to_ms

KEPT = (200, "WEBHOOK 200 OK\n")
BUSY = (200, "<html>\nWEBHOOK 102 Processing\n")
SECOND = timedelta(seconds=1)
STEADY = "steady"
NOON_MS = to_ms(NOON)


class Receiver:
    """What a board calls: it remembers and answers as it is told."""

    def __init__(self, simulator: SimulatorClient) -> None:
        """Keep everything."""
        self.answer: tuple[int, str] = KEPT
        self.heard: list[tuple[datetime, str, dict[str, str]]] = []
        self.reports: list[dict[str, object]] = []
        self.url = ""
        self._simulator = simulator

    async def hear(self, request: web.Request) -> web.Response:
        """Take what a board says."""
        fields = dict(request.query)
        if request.method == "POST":
            is_json = request.content_type == "application/json"
            sent = await request.json() if is_json else await request.post()
            fields |= {name: str(value) for name, value in sent.items()}
        self.heard.append((self._simulator.now, request.method, fields))
        status, text = self.answer
        return web.Response(status=status, text=text)

    async def report(self, request: web.Request) -> web.Response:
        """Take what a daemon says."""
        self.reports.append(await request.json())
        return web.json_response({"status": "ok"}, status=201)

    @property
    def fields(self) -> list[dict[str, str]]:
        """Return what was said."""
        return [fields for _, _, fields in self.heard]

    def pulses(self, channel: int = 1) -> list[int]:
        """Return the stamps that a channel sent, repeats and all."""
        return [
            int(f["millis"]) for f in self.fields if f.get("channel") == str(channel)
        ]

    def times(self) -> list[timedelta]:
        """Return when something was said, from the first on."""
        return [at - self.heard[0][0] for at, _, _ in self.heard]


@pytest.fixture
async def receiver(noon: SimulatorClient) -> AsyncIterator[Receiver]:
    """Return a receiver in the test's own event loop."""
    heard = Receiver(noon)
    app = web.Application()
    app.router.add_route("*", "/board", heard.hear)
    app.router.add_put("/board/v1/sensors/update", heard.report)
    async with TestServer(app) as server:
        heard.url = str(server.make_url("/board"))
        yield heard


@pytest.fixture
def boards(noon: SimulatorClient) -> BoardControl:
    """Return the knobs of boards, with one more that counts 1 kW all the time."""
    control = BoardControl(noon)
    control.add(STEADY, {"channel": 1, "watts": 1000})
    return control


async def test_led_counts_what_is_used() -> None:
    """Each flash is the first millisecond in which one more part of a kWh is used."""
    signal = Household(7).grid
    led = Led(signal, 1000, NOON_MS)
    flashes = led.take(NOON_MS + 3_600_000)
    step = 3_600_000
    assert len(flashes) == signal.energy(NOON_MS, NOON_MS + 3_600_000) // step
    for number, flash in enumerate(flashes, 1):
        assert signal.energy(NOON_MS, flash) >= number * step
        assert signal.energy(NOON_MS, flash - 1) < number * step
    following = led.next_ms()
    assert following is not None
    assert led.take(following - 1) == []
    assert led.take(following) == [following]


async def test_led_in_pieces() -> None:
    """However it is asked, it flashes the same."""
    whole = Led(Household(7).grid, 800, NOON_MS).take(NOON_MS + 7_200_000)
    pieces = Led(Household(7).grid, 800, NOON_MS)
    found: list[int] = []
    for to_ms_ in range(NOON_MS, NOON_MS + 7_200_001, 61_337):
        pieces.next_ms()
        found += pieces.take(to_ms_)
    found += pieces.take(NOON_MS + 7_200_000)
    assert found == whole
    dark = Led(Household(7).generation, 1000, NOON_MS)
    assert dark.next_ms() is None
    assert dark.take(NOON_MS + 3_600_000) == []


@pytest.mark.heavy
async def test_a_home_is_counted(
    noon: SimulatorClient, boards: BoardControl, receiver: Receiver
) -> None:
    """Both channels of the flat send each pulse once, stamped since power-up."""
    boards.power_on(receiver.url)
    await boards.run(timedelta(hours=2))
    assert receiver.fields[0] == {"powerup": "true"}
    for channel in (1, 2):
        truth = boards.truth(channel)
        stamps = receiver.pulses(channel)
        assert len(stamps) == truth["acknowledged"] == truth["answered"]
        assert truth["produced"] == len(stamps)
        assert len(stamps) == int(truth["energy_kwh"] * 1000)
        assert stamps == sorted(set(stamps))
    home = noon.truth(NOON, NOON + timedelta(hours=2))["homes"]["Harbour Flat"]
    assert home["energy_kwh"] == pytest.approx(len(receiver.pulses(1)) / 1000, abs=1e-3)
    assert len(receiver.pulses(1)) > len(receiver.pulses(2)) > 20


async def test_pulses_arrive_in_their_own_millisecond(
    boards: BoardControl, receiver: Receiver
) -> None:
    """The virtual clock moves from one send to the next."""
    boards.power_on(receiver.url, STEADY)
    await boards.run(20 * SECOND)
    assert receiver.times() == [timedelta(0)] + [
        n * timedelta(seconds=3.6) for n in range(1, 6)
    ]
    assert receiver.pulses() == [3600, 7200, 10_800, 14_400, 18_000]


async def test_one_step_sends_all_that_is_due(
    noon: SimulatorClient, boards: BoardControl, receiver: Receiver
) -> None:
    """In the order of their time, without a dead-lock with the loop that serves them."""
    boards.power_on(receiver.url, STEADY)
    noon.step(timedelta(minutes=5))
    await boards.settle()
    assert receiver.pulses() == list(range(3600, 300_001, 3600))
    assert boards.truth(1, STEADY)["overrun"] == 0


@pytest.mark.parametrize("style", ["get", "form", "json"])
async def test_styles(boards: BoardControl, receiver: Receiver, style: str) -> None:
    """Query, form and JSON say the same."""
    boards.power_on(receiver.url, STEADY, style=style)
    await boards.run(4 * SECOND)
    assert receiver.fields == [
        {"powerup": "true"},
        {"channel": "1", "millis": "3600"},
    ]
    expected = "GET" if style == "get" else "POST"
    assert {method for _, method, _ in receiver.heard} == {expected}


async def test_it_halts_until_power_up_is_answered(
    boards: BoardControl, receiver: Receiver
) -> None:
    """Only HTTP 200 lets it go on; the meter flashes meanwhile, the buffer takes five."""
    receiver.answer = (503, "WEBHOOK 102 Processing\n")
    boards.power_on(receiver.url, STEADY)
    await boards.run(29 * SECOND)
    assert receiver.times() == [2 * n * SECOND for n in range(15)]
    assert all(fields == {"powerup": "true"} for fields in receiver.fields)
    truth = boards.truth(1, STEADY)
    assert (truth["produced"], truth["waiting"], truth["overrun"]) == (8, 5, 3)

    receiver.answer = KEPT
    await boards.run(SECOND)
    assert receiver.pulses() == [3600 * n for n in range(1, 6)]


@pytest.mark.parametrize(
    "answer",
    [BUSY, (500, "WEBHOOK 100 error\n"), (200, "OK WEBHOOK 200 OK"), (200, "")],
)
async def test_it_repeats_what_is_not_kept(
    boards: BoardControl, receiver: Receiver, answer: tuple[int, str]
) -> None:
    """After 2 s, until a line begins with what it looks for; then it has caught up."""
    boards.power_on(receiver.url, STEADY)
    await boards.settle()
    receiver.answer = answer
    await boards.run(9 * SECOND)
    assert receiver.pulses() == [3600] * 3
    assert receiver.times()[1:] == [3.6 * SECOND, 5.6 * SECOND, 7.6 * SECOND]
    receiver.answer = (200, "<p>\nWEBHOOK 200 OK\n</p>")
    await boards.run(SECOND)
    assert receiver.pulses() == [*[3600] * 4, 7200]
    assert boards.truth(1, STEADY)["acknowledged"] == 2


async def test_a_full_buffer_drops(boards: BoardControl, receiver: Receiver) -> None:
    """The five oldest stay; channels wait for themselves only."""
    boards.add("two", {"channel": 1, "watts": 1000}, {"channel": 2, "watts": 50})
    boards.power_on(receiver.url, "two")
    await boards.settle()
    receiver.answer = BUSY
    await boards.run(60 * SECOND)
    truth = boards.truth(1, "two")
    assert (truth["produced"], truth["waiting"], truth["overrun"]) == (16, 5, 11)
    receiver.answer = KEPT
    await boards.run(3 * SECOND)
    assert receiver.pulses()[-5:] == [3600, 7200, 10_800, 14_400, 18_000]
    await boards.run(60 * SECOND)
    truth = boards.truth(1, "two")
    assert truth["produced"] - truth["overrun"] == truth["acknowledged"]
    assert receiver.pulses(2) == [72_000]


async def test_nobody_listens(
    noon: SimulatorClient, boards: BoardControl, receiver: Receiver
) -> None:
    """A connection that is refused is as good as no answer."""
    boards.power_on("http://127.0.0.1:9/board", STEADY)
    await boards.run(7 * SECOND)
    assert [status for _, status, _ in boards.answers(STEADY)] == [0] * 4
    boards.board(STEADY, url=receiver.url)
    await boards.run(4 * SECOND)
    assert receiver.fields[0] == {"powerup": "true"}
    assert receiver.pulses() == [3600, 7200, 10_800]


async def test_lost_answers_and_requests(
    boards: BoardControl, receiver: Receiver
) -> None:
    """One makes repeats, the other delays; both are counted once."""
    boards.power_on(receiver.url, STEADY)
    await boards.settle()
    boards.board(STEADY, lose_answers=2)
    await boards.run(8 * SECOND)
    assert receiver.pulses() == [3600] * 3 + [7200]
    boards.board(STEADY, lose_requests=1)
    await boards.run(4 * SECOND)
    assert receiver.pulses()[-1] == 7200
    await boards.run(3 * SECOND)
    assert receiver.pulses()[-2:] == [10_800, 14_400]
    truth = boards.truth(1, STEADY)
    assert truth["acknowledged"] == truth["answered"] == 4


async def test_a_restart(boards: BoardControl, receiver: Receiver) -> None:
    """The clock begins anew and the buffer is forgotten; announced only by itself."""
    boards.power_on(receiver.url, STEADY, announced=False)
    await boards.run(8 * SECOND)
    assert receiver.fields == [
        {"channel": "1", "millis": "3600"},
        {"channel": "1", "millis": "7200"},
    ]
    receiver.answer = BUSY
    await boards.run(3 * SECOND)
    receiver.answer = KEPT
    boards.power_on(receiver.url, STEADY, announced=False)
    await boards.run(4 * SECOND)
    assert receiver.pulses() == [3600, 7200, 10_800, 3400]
    truth = boards.truth(1, STEADY)
    assert (truth["produced"], truth["forgotten"]) == (4, 1)


async def test_without_power(boards: BoardControl, receiver: Receiver) -> None:
    """The meter goes on, and nobody counts."""
    boards.power_on(receiver.url, STEADY)
    await boards.run(4 * SECOND)
    boards.power_off(STEADY)
    assert boards.next_send is None
    await boards.run(20 * SECOND)
    assert boards.truth(1, STEADY)["off"] == 5
    boards.power_on(receiver.url, STEADY)
    await boards.run(4 * SECOND)
    assert receiver.fields[2:] == [
        {"powerup": "true"},
        {"channel": "1", "millis": "1200"},
    ]


@pytest.mark.parametrize(
    ("uptime_ms", "signed", "stamps"),
    [
        ((1 << 32) - 5000, True, [-1400, 2200]),
        ((1 << 32) - 5000, False, [4_294_965_896, 2200]),
        ((1 << 31) - 5000, True, [2_147_482_248, -2_147_481_448]),
    ],
)
async def test_stamps_wrap_and_are_printed_signed(
    boards: BoardControl,
    receiver: Receiver,
    uptime_ms: int,
    signed: bool,
    stamps: list[int],
) -> None:
    """As the firmware does."""
    boards.board(STEADY, signed=signed)
    uptime = timedelta(milliseconds=uptime_ms)
    boards.power_on(receiver.url, STEADY, uptime=uptime)
    await boards.run(8 * SECOND)
    assert receiver.pulses() == stamps


async def test_a_board_whose_clock_is_off(
    boards: BoardControl, receiver: Receiver
) -> None:
    """Its milliseconds are shorter or longer than others."""
    boards.board(STEADY, drift_ppm=5000)
    boards.power_on(receiver.url, STEADY)
    await boards.run(8 * SECOND)
    assert receiver.pulses() == [3618, 7236]


async def test_the_newest_first(boards: BoardControl, receiver: Receiver) -> None:
    """A board that empties its buffer from the other end makes late pulses."""
    boards.board(STEADY, overtake=True)
    boards.power_on(receiver.url, STEADY)
    await boards.settle()
    receiver.answer = BUSY
    await boards.run(11 * SECOND)
    receiver.heard.clear()
    receiver.answer = KEPT
    await boards.run(2 * SECOND)
    assert receiver.pulses() == [10_800, 7200, 3600]


async def test_other_messages(boards: BoardControl, receiver: Receiver) -> None:
    """Whatever a board may say, once, with what came back."""
    boards.power_on(receiver.url, STEADY)
    await boards.settle()
    receiver.answer = (400, "WEBHOOK 400 Bad Request\n")
    boards.send(STEADY, channel=1, metercount=336_279)
    await boards.settle()
    assert receiver.fields[-1] == {"channel": "1", "metercount": "336279"}
    assert boards.answers(STEADY)[-1] == (
        {"channel": "1", "metercount": "336279"},
        400,
        "WEBHOOK 400 Bad Request\n",
    )
    assert Counter(status for _, status, _ in boards.answers(STEADY)) == {
        200: 1,
        400: 1,
    }


async def test_a_board_in_real_time(
    noon: SimulatorClient, boards: BoardControl, receiver: Receiver
) -> None:
    """With a running clock it sends by itself."""
    boards.add("fast", {"channel": 1, "watts": 36_000})
    noon.request("POST", "/_control/clock", {"running": True})
    boards.power_on(receiver.url, "fast")
    async with ClientSession() as session:
        while len(receiver.pulses()) < 8:
            async with session.get(f"{noon.url}/_control/boards") as response:
                assert response.status == 200
    noon.request("POST", "/_control/clock", {"running": False})
    await boards.settle()
    stamps = receiver.pulses()
    # A busy machine may take longer than a pulse to answer; the next one waits for that.
    assert all(b > a and (b - a) % 100 == 0 for a, b in pairwise(stamps))
    assert boards.truth(1, "fast")["acknowledged"] == len(stamps)


async def test_a_reset_switches_off(
    noon: SimulatorClient, boards: BoardControl, receiver: Receiver
) -> None:
    """A new world begins without a board on."""
    boards.power_on(receiver.url)
    noon.reset(NOON)
    assert boards.next_send is None
    assert STEADY not in boards.overview()["boards"]
    assert "Harbour Flat" not in noon.truth()["homes"]


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"board": "nobody"}, 404),
        ({"board": STEADY, "power": "dim"}, 400),
        ({"board": STEADY, "style": "telegram"}, 400),
    ],
)
def test_orders_that_cannot_be(
    noon: SimulatorClient, boards: BoardControl, order: dict[str, str], status: int
) -> None:
    """Refused."""
    assert noon.raw("POST", "/_control/boards", order)[0] == status
    assert noon.raw("POST", "/_control/daemons", {"daemon": "nobody"})[0] == 404


async def test_the_daemon(boards: BoardControl, receiver: Receiver) -> None:
    """Every minute all sensors, in quarters of a degree; the truth is what was sent."""
    boards.daemon(url=f"{receiver.url}/v1/sensors/update")
    await boards.run(timedelta(minutes=10))
    assert len(receiver.reports) == 11
    values = {
        told["value"]
        for report in receiver.reports
        for told in dict(report["sensors"]).values()  # type: ignore[call-overload]
    }
    assert values <= {18 + n / 4 for n in range(36)}
    assert len(values) > 5
    assert receiver.reports[-1]["host_id"] == "harbour-pi"
    assert receiver.reports[-1]["sensors"] == {
        "28-000004011a2b": {
            "type": "dummy",
            "value": boards.temperatures()["28-000004011a2b"],
            "alias": "Hall",
        },
        "28-000004013c4d": {
            "type": "dummy",
            "value": boards.temperatures()["28-000004013c4d"],
        },
    }


async def test_the_daemon_fails(boards: BoardControl, receiver: Receiver) -> None:
    """A sensor without a reading, one that is not there, a host that is gone, another."""
    boards.daemon(broken=["28-000004011a2b"], silent=["28-000004013c4d"])
    boards.daemon(url=f"{receiver.url}/v1/sensors/update")
    await boards.settle()
    assert receiver.reports == [
        {
            "host_id": "harbour-pi",
            "sensors": {
                "28-000004011a2b": {"type": "dummy", "value": None, "alias": "Hall"}
            },
        }
    ]
    boards.daemon(url=None)
    await boards.run(timedelta(minutes=3))
    assert len(receiver.reports) == 1
    boards.daemon("other", add={"sensors": {"1": None}}, url="http://127.0.0.1:9/")
    await boards.run(timedelta(minutes=1))
    assert boards.overview()["daemons"]["other"]["answers"] == [[0, ""], [0, ""]]


def test_energy_of_the_kitchen(boards: BoardControl, noon: SimulatorClient) -> None:
    """A circuit is a part of its home."""
    boards.power_on("http://127.0.0.1:9/")
    noon.step(timedelta(hours=24))
    home, kitchen = boards.overview()["boards"]["harbour-board"]["channels"].values()
    assert 1 < kitchen["energy_kwh"] < home["energy_kwh"] < 20
