"""Particle's event streams: framing, order, keep-alives, limits, and all that goes wrong."""

from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from itertools import pairwise
import json

from aiohttp import ClientError
import pytest

from tests.particle_control import (
    MILL_BOARD,
    PARTICLE_ODD_TOKEN,
    PARTICLE_ODD_USER,
    PARTICLE_PRODUCT,
    PARTICLE_PRODUCT_TOKEN,
    PARTICLE_TOKEN,
)
from tests.simulator.conftest import NOON
from tests.simulator.particle_kit import Listener, Person
from tests.simulator_client import to_ms

MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
PRODUCT = f"products/{PARTICLE_PRODUCT}"
ODD_DATA = {
    None,
    "",
    "nan",
    "inf",
    "on",
    "12.5 W",
    '{"t":21.5}',
    "1e3",
    " 7.5 ",
    "0",
    "-3",
}


def stamp_ms(published_at: str) -> int:
    """Return the milliseconds of a stamp."""
    return to_ms(datetime.fromisoformat(published_at))


def published(listener: Listener) -> list[tuple[int, str, str | None]]:
    """Return stamps, names and data of what has come, and forget it."""
    return [
        (stamp_ms(event["published_at"]), name, event["data"])
        for name, event in listener.events
    ]


def told(person: Person, board: str = MILL_BOARD) -> list[tuple[int, str, str | None]]:
    """Return stamps, names and data of what a board says it published."""
    truth = person.control.truth(board)
    return sorted(
        (at_ms, name, data)
        for name, events in truth["published"].items()
        for at_ms, data in events
    )


async def test_all_that_is_published_comes_once(person: Person) -> None:
    """However time moves: in its order, with its own time, and the same to everybody."""
    async with person.listen() as first, person.listen() as second:
        assert first.text == second.text == ":ok\n\n"
        for delta in (0.05, 1, 0.02, 3, 7, 90, 0.001, 600, 11):
            await first.step(delta * SECOND)
        await second.settle()
        heard = published(first)
        assert heard == published(second)
    assert heard == told(person)
    stamps = [at_ms for at_ms, _, _ in heard]
    assert stamps == sorted(stamps)
    assert len(heard) == pytest.approx(712 / 4.1 * 3, abs=4)
    samples = [heard[place : place + 3] for place in range(0, len(heard), 3)]
    for sample in samples:
        names = ("rms_current", "rms_voltage", "power")
        assert tuple(name for _, name, _ in sample) == names
        current, voltage, power = (float(data or "") for _, _, data in sample)
        assert voltage == 120
        assert power == pytest.approx(current * voltage, abs=0.001)
        assert sample[2][0] - sample[0][0] == 40
    spacings = {after[0][0] - before[0][0] for before, after in pairwise(samples)}
    assert min(spacings) > 3_900
    assert max(spacings) < 4_300


async def test_framing(person: Person) -> None:
    """The name is in its own line, the data are an object."""
    async with person.listen() as listener:
        assert listener.response.content_type == "text/event-stream"
        person.control.publish("hello", "world", ttl=16)
        await listener.step(MILLISECOND)
        device = person.control.device_id()
        assert listener.text == (
            ":ok\n\n"
            "event: hello\n"
            'data: {"data":"world","ttl":16,"published_at":"2026-11-18T12:00:10.001Z",'
            f'"coreid":"{device}"}}\n'
            "\n"
        )


async def test_product_framing(person: Person) -> None:
    """A product's stream says more of each event."""
    person.token = PARTICLE_PRODUCT_TOKEN
    device = person.control.device_id("terrace-2")
    async with person.listen(f"{PRODUCT}/events/power") as listener:
        await listener.step(5 * SECOND)
        events = listener.events
    assert {event["coreid"] for _, event in events} == {
        device,
        person.control.device_id("terrace-1"),
    }
    for name, event in events:
        assert name == "power"
        assert (event["productID"], event["version"], event["public"]) == (
            PARTICLE_PRODUCT,
            1,
            False,
        )
        assert len(event["userid"]) == 24

    async with person.listen(f"{PRODUCT}/devices/{device}/events") as listener:
        await listener.step(5 * SECOND)
        assert {event["coreid"] for _, event in listener.events} == {device}


async def test_whose_events(person: Person) -> None:
    """A user's stream has all of the user's boards and nobody else's."""
    person.token = PARTICLE_ODD_TOKEN
    device = person.control.device_id
    async with (
        person.listen() as everything,
        person.listen(f"devices/{device('battery')}/events") as battery,
        person.listen(f"devices/{device('older')}/events/Apparent") as older,
    ):
        await everything.step(30 * SECOND)
        await battery.settle()
        await older.settle()
        heard = everything.events
        assert {e["coreid"] for _, e in heard} == {
            device("battery"),
            device("older"),
            device("odd"),
        }
        levels = battery.events
        assert {name for name, _ in levels} == {"P2P_State_of_Charge"}
        assert len(levels) == 6
        assert all(35 <= float(event["data"]) <= 95 for _, event in levels)
        assert {name for name, _ in older.events} == {"Apparent Power"}


async def test_boards_that_come_and_go(person: Person) -> None:
    """A board that is added is heard on a stream that was open before."""
    async with person.listen() as listener:
        new = person.control.add(
            "new", watts=12, period_ms=1000, events=[("w", "power")]
        )
        await listener.step(3 * SECOND)
        heard = [float(e["data"]) for name, e in listener.events if name == "w"]
        assert heard == [pytest.approx(17.5, abs=0.11)] * 3
        person.control.remove("new")
        await listener.step(3 * SECOND)
        assert new not in {event["coreid"] for _, event in listener.events}


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("power", {"power", "powerfail"}),
        ("powerf", {"powerfail"}),
        ("Power", {"Power"}),
        ("POWER", set()),
    ],
)
async def test_prefix(person: Person, prefix: str, names: set[str]) -> None:
    """A prefix is the beginning of a name, letter by letter."""
    person.token = PARTICLE_ODD_TOKEN
    device = person.control.device_id("odd")
    for path in (f"devices/events/{prefix}", f"devices/{device}/events/{prefix}"):
        async with person.listen(path) as listener:
            await listener.step(30 * SECOND)
            assert {name for name, _ in listener.events} == names


async def test_odd_data(person: Person) -> None:
    """Null, text, numbers that are none, and JSON within the JSON."""
    person.token = PARTICLE_ODD_TOKEN
    async with person.listen("devices/events/power") as listener:
        await listener.step(2 * MINUTE)
        data = {event["data"] for name, event in listener.events if name == "power"}
    assert data == ODD_DATA


async def test_status_events(person: Person) -> None:
    """A board that goes is told late, or right before it is told that it is back."""
    person.token = PARTICLE_ODD_TOKEN
    control = person.control
    async with person.listen("devices/events/spark/status") as listener:
        await listener.step(SECOND)
        assert listener.text == ":ok\n\n"
        control.offline("odd")
        await listener.step(49 * SECOND)
        assert published(listener) == []
        await listener.step(MINUTE)
        late_ms = to_ms(NOON + 51 * SECOND)
        assert published(listener) == [(late_ms, "spark/status", "offline")]
        control.online("odd")
        control.online("odd")
        await listener.step(SECOND)
        assert [data for _, _, data in published(listener)] == ["online"]

        control.offline("odd", late=None)
        await listener.step(timedelta(hours=5))
        assert published(listener) == []
        back_ms = to_ms(control.simulator.now)
        control.online("odd")
        await listener.step(SECOND)
        assert published(listener) == [
            (back_ms + 1, "spark/status", "offline"),
            (back_ms + 2, "spark/status", "online"),
        ]


async def test_nothing_while_offline(person: Person) -> None:
    """A board publishes while it is there."""
    async with person.listen() as listener:
        await listener.step(MINUTE)
        gone_ms = to_ms(person.control.simulator.now)
        person.control.offline()
        await listener.step(MINUTE)
        back_ms = to_ms(person.control.simulator.now)
        person.control.online()
        await listener.step(MINUTE)
        heard = [at for at, name, _ in published(listener) if name != "spark/status"]
        assert [at for at in heard if gone_ms <= at < back_ms] == []
        assert min(heard) < gone_ms
        assert max(heard) > back_ms


async def test_names_of_the_cloud(person: Person) -> None:
    """Answers of webhooks come with an id that is no board's."""
    async with person.listen() as listener:
        person.control.publish(
            "hook-response/power/0", "ok", coreid="particle-internal"
        )
        await listener.step(MILLISECOND)
        ((name, event),) = listener.events
        assert (name, event["coreid"]) == ("hook-response/power/0", "particle-internal")


async def test_keep_alives(person: Person) -> None:
    """Comments and empty lines in turn, 9 to 13 s apart, also where nothing else comes."""
    person.control.remove(MILL_BOARD)
    async with person.listen() as listener:
        assert listener.text == ":ok\n\n"
        heard = []
        for second in range(120):
            await listener.step(SECOND)
            if text := listener.text:
                heard.append((second + 1, text))
        assert {text for _, text in heard} == {":\n", "\n"}
        assert heard[0][1] != heard[1][1]
        times = [0, *(at for at, _ in heard)]
        pauses = [after - before for before, after in pairwise(times)]
        assert 9 <= min(pauses) <= max(pauses) <= 14
        assert len(set(pauses)) > 1

        person.control.keep_alives(40 * SECOND, 40 * SECOND)
        person.control.style(keep_alive="comment")
        await listener.step(20 * SECOND)
        assert len(listener.text) == 2
        await listener.step(MINUTE)
        assert listener.text in {":\n", ":\n:\n"}
        person.control.style(keep_alive="newline")
        await listener.step(2 * MINUTE)
        assert set(listener.text) == {"\n"}
        person.control.style(keep_alive="none")
        await listener.step(5 * MINUTE)
        assert listener.text == ""


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("multiline", [False, True])
@pytest.mark.parametrize("piecemeal", [False, True])
async def test_styles(
    person: Person, end: str, multiline: bool, piecemeal: bool
) -> None:
    """Other line endings, data over several lines, and byte by byte."""
    person.control.style(end=end, multiline=multiline, piecemeal=piecemeal)
    person.control.remove(MILL_BOARD)
    device = person.control.add("Küche", events=[])
    async with person.listen() as listener:
        person.control.publish("Wärme", "21 °C", "Küche")
        await listener.step(MILLISECOND)
        hello, event, rest = listener.text.split(end * 2)
    assert (hello, rest) == (":ok", "")
    name, *lines = event.split(end)
    assert name == "event: Wärme"
    assert (len(lines) > 1) is multiline
    assert all(line.startswith("data: ") for line in lines)
    content = json.loads("\n".join(line[6:] for line in lines))
    assert (content["data"], content["coreid"]) == ("21 °C", device)


async def test_other_freedoms(person: Person) -> None:
    """No space after the colon, and the ttl as a string."""
    person.control.style(space=False, ttl_text=True)
    async with person.listen() as listener:
        person.control.publish("hello", None)
        await listener.step(MILLISECOND)
        text = listener.text
    assert '\nevent:hello\ndata:{"data":null,"ttl":"60",' in text


async def test_silence(person: Person) -> None:
    """An open stream on which nothing comes; what was published meanwhile is lost."""
    async with person.listen() as listener, person.listen() as other:
        await listener.step(30 * SECOND)
        begin_ms = to_ms(person.control.simulator.now)
        assert listener.text
        person.control.silence(for_=10 * MINUTE)
        await listener.step(9 * MINUTE)
        await other.settle()
        assert listener.text == ""
        async with person.listen() as late:
            await late.step(MINUTE)
            assert "published_at" not in late.text
            await late.step(10 * SECOND)
            assert len(late.events) >= 6
        await listener.settle()
        stamps = [at_ms for at_ms, _, _ in published(listener)]
        assert min(stamps) > begin_ms + 600_000


async def test_silence_until_further_notice(person: Person) -> None:
    """One token's streams; the others go on."""
    async with AsyncExitStack() as stack:
        mill = await stack.enter_async_context(person.listen())
        person.token = PARTICLE_ODD_TOKEN
        manor = await stack.enter_async_context(person.listen())
        person.control.silence(PARTICLE_TOKEN)
        assert mill.text
        await mill.step(timedelta(hours=1))
        await manor.settle()
        assert mill.text == ""
        assert len(manor.events) > 1000
        person.control.unsilence(PARTICLE_TOKEN)
        await mill.step(10 * SECOND)
        heard = published(mill)
        assert {at_ms > to_ms(NOON) + 3_600_000 for at_ms, _, _ in heard} == {True}


async def test_cut(person: Person) -> None:
    """The next event ends in the middle of its data, and so does the connection."""
    async with person.listen() as listener:
        person.control.cut()
        await listener.step(10 * SECOND)
        assert listener.ended == "broken"
        text = listener.text
    assert text.startswith(':ok\n\nevent: rms_current\ndata: {"data":"')
    assert not text.endswith("\n")
    async with person.listen() as listener:
        await listener.step(10 * SECOND)
        assert len(listener.events) >= 6
    assert len(person.control.opened()) == 2


async def test_closed(person: Person) -> None:
    """The server ends the answer, which is complete."""
    async with person.listen() as listener:
        await listener.step(10 * SECOND)
        person.control.close()
        await listener.settle()
        assert listener.ended == "closed"
        assert len(listener.events) >= 6


async def test_reset(person: Person) -> None:
    """The connection is reset."""
    async with person.listen() as listener:
        person.control.reset()
        await listener.settle()
        assert listener.ended == "broken"


async def test_token_that_ends(person: Person) -> None:
    """The stream just ends, at that time, and cannot be opened again."""
    async with AsyncExitStack() as stack:
        listener = await stack.enter_async_context(person.listen())
        end = NOON + 61 * SECOND
        person.control.expire(at=end)
        await listener.step(MINUTE)
        assert listener.ended is None
        await listener.step(SECOND)
        assert listener.ended == "closed"
        assert max(at for at, _, _ in published(listener)) < to_ms(end)
        assert (await person.get("devices/events")).status == 401
        person.control.renew()
        listener = await stack.enter_async_context(person.listen())
        await listener.step(5 * SECOND)
        assert len(listener.events) >= 3


async def test_duplicates(person: Person) -> None:
    """Events that come twice."""
    async with person.listen() as listener:
        person.control.duplicate(2)
        await listener.step(9 * SECOND)
        heard = published(listener)
    assert heard[0] == heard[1]
    assert heard[2] == heard[3]
    assert len(set(heard)) == len(heard) - 2


async def test_disorder(person: Person) -> None:
    """Events that come after the one that follows them."""
    async with person.listen() as listener:
        person.control.disorder(2)
        await listener.step(13 * SECOND)
        heard = published(listener)
    assert heard != sorted(heard)
    assert [sorted(heard)[place] for place in (1, 0, 3, 2)] == heard[:4]
    assert sorted(heard) == told(person)


async def test_garbage(person: Person) -> None:
    """Lines that are none of the format's."""
    garbage = "data: {half\n\nid: 7\nretry: soon\nnonsense\n\x00\ufffd\n\n"
    async with person.listen() as listener:
        assert listener.text
        person.control.send(garbage)
        await listener.settle()
        assert listener.text == garbage


async def test_open_limit(person: Person) -> None:
    """A hundred openings in five minutes, refused ones not counted."""
    person.control.spend(opens=98)
    for status in (200, 200, 429, 429):
        if status == 200:
            async with person.listen():
                continue
        answer = await person.get("devices/events")
        assert answer.status == status
        assert answer.json["ok"] is False
    person.control.simulator.step(5 * MINUTE)
    async with person.listen():
        assert person.control.overview()["used"]["127.0.0.1"]["opens"] == 1


async def test_most_open_streams(person: Person) -> None:
    """A hundred streams may be open, whoever opened them."""
    person.control.quotas(open_streams=3)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(person.listen())
        person.token = PARTICLE_ODD_TOKEN
        assert (await person.get("devices/events")).status == 429
        assert len(person.control.streams()) == 3


def test_the_vendors_limits(person: Person) -> None:
    """What the simulator begins with."""
    assert person.control.overview()["quotas"] == {
        "calls": 10_000,
        "opens": 100,
        "open_streams": 100,
    }


@pytest.mark.parametrize("fault", ["http_401", "http_429", "http_503", "html"])
async def test_faults_of_an_opening(person: Person, fault: str) -> None:
    """An opening is refused as any call."""
    person.control.simulator.fault(fault, command="events", count=1)
    answer = await person.get("devices/events")
    if fault == "html":
        assert b"<html>" in answer.body
    else:
        assert answer.status == int(fault.removeprefix("http_"))
    async with person.listen():
        assert len(person.control.streams()) == 1


async def test_broken_openings(person: Person) -> None:
    """A stream that breaks as soon as it is there, or before."""
    for fault in ("cut", "connection_reset"):
        person.control.simulator.fault(fault, command="events", count=2)
        with pytest.raises(ClientError):
            await person.get("devices/events")
        person.control.simulator.clear_faults()


async def test_a_listener_that_leaves(person: Person) -> None:
    """A stream whose client has gone is forgotten."""
    async with person.listen() as listener:
        port = listener.port
        assert [stream["port"] for stream in person.control.streams()] == [port]
    async with person.listen() as listener:
        while any(stream["port"] == port for stream in person.control.streams()):
            continue
        await listener.step(SECOND)


async def test_a_reset_of_the_world(person: Person) -> None:
    """Streams end with the world that they told of."""
    async with person.listen() as listener:
        person.control.simulator.reset(NOON)
        await listener.settle()
        assert listener.ended == "closed"
    assert person.control.streams() == []


async def test_a_clock_that_is_set_back(person: Person) -> None:
    """What was told is told again, with the times of now."""
    async with person.listen() as listener:
        await listener.step(10 * SECOND)
        before = published(listener)
        person.control.simulator.set(NOON)
        await listener.settle()
        await listener.step(10 * SECOND)
        assert published(listener) == before


async def test_a_running_clock(person: Person) -> None:
    """Things come when they are due, without a step."""
    person.control.add("fast", PARTICLE_ODD_USER, period_ms=50, events=[("x", "power")])
    person.token = PARTICLE_ODD_TOKEN
    async with person.listen("devices/events/x") as listener:
        person.control.simulator.request("POST", "/_control/clock", {"running": True})
        while listener.body.count(b"event: x") < 4:
            await person.get("access_tokens/current")
        person.control.simulator.request("POST", "/_control/clock", {"running": False})


async def test_a_hundred_boards(person: Person) -> None:
    """Three thousand events in half a minute, none lost."""
    for number in range(100):
        person.control.add(
            f"board {number}", watts=number, period_ms=1000, events=[("w", "power")]
        )
    async with person.listen("devices/events/w") as listener:
        await listener.step(30 * SECOND)
        heard: dict[str, list[float]] = {}
        for _, event in listener.events:
            heard.setdefault(event["coreid"], []).append(float(event["data"]))
    assert len(heard) == 100
    assert {len(values) for values in heard.values()} == {30}
    assert (
        heard[person.control.device_id("board 70")]
        == [pytest.approx(75.5, abs=0.11)] * 30
    )
