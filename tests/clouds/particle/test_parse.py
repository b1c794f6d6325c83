"""The Particle cloud's replies and events in every shape that was seen."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import orjson
import pytest

from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.clouds.particle import parse
from custom_components.energy_homes.clouds.particle.errors import (
    BoardTrouble,
    CloudBoardError,
    status_error,
)
from custom_components.energy_homes.clouds.particle.event_reader import ServerEvent
from custom_components.energy_homes.clouds.particle.models import (
    ParticleEvent,
    TokenInfo,
    VariableValue,
    as_number,
)

BOARD = "0123456789abcdef01234567"
AT = datetime(2018, 6, 9, 12, 0, 0, 250_000, tzinfo=UTC)
STAMP = "2018-06-09T12:00:00.250Z"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "devices", "meta", "total_pages", "result", "coreid", "data"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def told(name: str = "power", **changes: Any) -> ServerEvent:
    """Return an event as the stream tells it."""
    document = {"data": "5.485412", "ttl": 60, "published_at": STAMP, "coreid": BOARD}
    return ServerEvent(name, orjson.dumps({**document, **changes}).decode())


def test_an_event_is_read() -> None:
    """The name is the line's, everything else the document's."""
    assert parse.event(told()) == ParticleEvent(
        name="power",
        data="5.485412",
        published_at=AT,
        board_id=BOARD,
        ttl=timedelta(seconds=60),
    )


@pytest.mark.parametrize(
    ("data", "number"),
    [
        ("5.485412", 5.485412),
        (" 12 ", 12.0),
        ("-0.5", -0.5),
        ("+3.", 3.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        (0, 0.0),
        (5.25, 5.25),
        (None, None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1_000", None),
        ("0x10", None),
        ("٣", None),
        ("5 W", None),
        ("online", None),
    ],
)
def test_data_are_a_number_or_none(data: object, number: float | None) -> None:
    """Null, "nan" and words are no numbers; zero is one."""
    event = parse.event(told(data=data))
    assert event is not None
    assert event.number == number


@pytest.mark.parametrize(
    "event",
    [
        ServerEvent("power", "[]"),
        ServerEvent("power", "5.4"),
        ServerEvent("power", "{"),
        ServerEvent("", told().data),
        ServerEvent("x" * 65, told().data),
        told(coreid=None),
        told(coreid="../current"),
        told(coreid=""),
        told(published_at=None),
        told(published_at="yesterday"),
        told(published_at="2018-06-09T12:00:00"),
        told(published_at="1918-06-09T12:00:00Z"),
        told(published_at="0001-01-01T00:00:00+23:00"),
        told(data={"W": 1}),
        told(data=True),
    ],
)
def test_an_event_that_makes_no_sense_is_none(event: ServerEvent) -> None:
    """It is left out and counted, and the others of its chunk come."""
    assert parse.event(event) is None
    batch = parse.event_batch([event, told()])
    assert [one.name for one in batch.events] == ["power"]
    assert batch.nonsense == 1


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [
        ("60", 60),
        (0, 0),
        ("", None),
        (-1, None),
        (True, None),
        ("٣", None),
        (1.5, None),
    ],
)
def test_a_time_to_live_is_told_in_two_ways(ttl: object, seconds: int | None) -> None:
    """It is a number or a text, and matters little."""
    event = parse.event(told(ttl=ttl))
    assert event is not None
    assert event.ttl == (None if seconds is None else timedelta(seconds=seconds))


def test_the_clouds_own_events_are_told_apart() -> None:
    """A board's own names do not begin as the cloud's do."""
    names = ["spark/status", "particle/x", "hook-sent/power", "hook-error/power/0"]
    events = [parse.event(told(name)) for name in [*names, "power", "sparkle"]]
    assert [event.is_system for event in events if event is not None] == [
        *[True] * 4,
        *[False] * 2,
    ]


def test_a_list_has_boards() -> None:
    """Old and new lists are read; what is listed twice is one board."""
    boards = parse.devices(
        [
            {"id": BOARD, "name": "fridge", "connected": True, "last_heard": STAMP},
            {"id": BOARD, "name": "fridge", "connected": False, "online": True},
            {"id": "b" * 24, "name": None, "product_id": 9, "platform_id": 6},
            {"name": "no id"},
            None,
        ]
    )
    fridge, other = boards
    assert (fridge.name, fridge.online, fridge.last_heard) == ("fridge", True, None)
    assert (other.name, other.online, other.product_id) == ("b" * 24, None, "9")
    assert other.platform == 6
    assert other.variables is None


def test_a_board_has_variables() -> None:
    """Types by name; null while it is offline; what cannot be asked for is left out."""
    board = parse.device(
        {
            "id": BOARD,
            "variables": {"SoC": "double", "a/b": "int32", "x": None},
            "product_id": "slug",
            "system_firmware_version": "3.3.1",
            "owner": "me@example.com",
            "last_heard": STAMP,
        }
    )
    assert board.variables == {"SoC": "double"}
    assert (board.product_id, board.firmware) == ("slug", "3.3.1")
    assert board.last_heard == AT
    assert "me@example.com" not in repr(board)
    assert parse.device({"id": BOARD, "variables": None}).variables is None


@pytest.mark.parametrize(
    ("reply", "pages"),
    [
        ({"devices": [{"id": BOARD}], "meta": {"total_pages": 3}}, 3),
        ({"devices": [{"id": BOARD}], "meta": {}}, 1),
        ({"devices": [{"id": BOARD}]}, 1),
    ],
)
def test_a_products_page_says_how_many_there_are(reply: object, pages: int) -> None:
    """A page without a number of pages is the only one."""
    boards, told_pages = parse.product_devices(reply)
    assert [board.board_id for board in boards] == [BOARD]
    assert told_pages == pages


@pytest.mark.parametrize(
    ("result", "value", "number"),
    [
        (17, 17.0, 17.0),
        (0, 0.0, 0.0),
        (1.5, 1.5, 1.5),
        ("51.5", "51.5", 51.5),
        ('{"a":1}', '{"a":1}', None),
        (True, True, None),
    ],
)
def test_a_variable_has_a_value(result: object, value: object, number: object) -> None:
    """A number, a text or a truth."""
    read = parse.variable({"result": result}, BOARD, "SoC")
    assert read == VariableValue(board_id=BOARD, name="SoC", value=value)  # type: ignore[arg-type]
    assert read.number == number


def test_a_token_tells_when_it_ends() -> None:
    """Never, for one that does not; its owner is not in what is logged."""
    info = parse.token_info({"expires_at": STAMP, "username": "me@example.com"})
    assert info == TokenInfo(expires_at=AT, user="me@example.com")
    assert "me@example.com" not in repr(info)
    assert parse.token_info({"expires_at": None}) == TokenInfo(expires_at=None)


@pytest.mark.parametrize(
    ("read", "reply"),
    [
        (parse.token_info, []),
        (parse.devices, {"devices": []}),
        (parse.devices, [{"name": "no id"}]),
        (parse.product_devices, []),
        (parse.product_devices, {"devices": {}}),
        (parse.device, {"name": "no id"}),
        (parse.device, []),
        (lambda reply: parse.variable(reply, BOARD, "x"), {"result": None}),
        (lambda reply: parse.variable(reply, BOARD, "x"), []),
    ],
)
def test_a_reply_that_makes_no_sense_is_an_error(read: Any, reply: object) -> None:
    """It is skipped, and says nothing of the account."""
    with pytest.raises(CloudNonsenseError):
        read(reply)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", CloudOutageError),
        (b" \r\n", CloudOutageError),
        (b"<!DOCTYPE html>", CloudOutageError),
        (b"{", CloudNonsenseError),
        (b"\xff\xfe", CloudNonsenseError),
    ],
)
def test_a_body_that_is_no_reply(body: bytes, kind: type[CloudError]) -> None:
    """A page or nothing is an outage, other garbage is nonsense."""
    with pytest.raises(kind) as caught:
        parse.decode(body)
    assert caught.value.__context__ is None


def test_a_body_may_begin_with_a_mark() -> None:
    """A byte order mark is no garbage."""
    assert parse.decode(b"\xef\xbb\xbf[]") == []


@given(value=JSON)
def test_no_reply_raises_anything_else(value: Any) -> None:
    """Whatever JSON comes is read or is a CloudNonsenseError."""
    for read in (
        parse.token_info,
        parse.devices,
        parse.product_devices,
        parse.device,
        lambda reply: parse.variable(reply, BOARD, "x"),
    ):
        try:
            read(value)
        except CloudNonsenseError:
            continue


@given(value=st.text() | JSON.map(lambda value: orjson.dumps(value).decode()))
def test_no_event_raises(value: str) -> None:
    """Whatever an event's data are it is read or left out."""
    parse.event(ServerEvent("power", value))


@given(text=st.text() | st.floats().map(str) | st.integers().map(str))
def test_a_number_is_finite(text: str) -> None:
    """What counts as a number is one that `float` takes, and finite."""
    if (number := as_number(text)) is not None:
        assert number == float(text)
        assert abs(number) < float("inf")


ERROR = b'{"error":"whatever"}'


@pytest.mark.parametrize(
    ("status", "body", "of_board", "kind"),
    [
        (200, ERROR, False, None),
        (204, b"", False, None),
        (301, b"", False, CloudOutageError),
        (400, ERROR, False, CloudRequestError),
        (400, b'{"error":"invalid_token"}', False, CloudAuthError),
        (401, b"", False, CloudAuthError),
        (401, ERROR, True, CloudAuthError),
        (403, ERROR, False, CloudAuthError),
        (403, b"<html>", False, CloudOutageError),
        (403, ERROR, True, CloudBoardError),
        (404, ERROR, False, CloudRequestError),
        (404, ERROR, True, CloudBoardError),
        (404, b"[]", True, CloudRequestError),
        (408, ERROR, True, CloudBoardError),
        (408, ERROR, False, CloudOutageError),
        (408, b'{"error":1}', True, CloudOutageError),
        (429, b"", True, CloudQuotaError),
        (500, ERROR, True, CloudOutageError),
        (503, b"", False, CloudOutageError),
    ],
)
def test_a_status_is_of_one_kind(
    status: int, body: bytes, of_board: bool, kind: type[CloudError] | None
) -> None:
    """What is wrong with a board says nothing of the account, and the other way round."""
    error = status_error("x", status, body, timedelta(seconds=9), of_board=of_board)
    assert (None if error is None else type(error)) is kind


def test_an_error_tells_what_there_is_to_tell() -> None:
    """How long to wait, and what is wrong with a board, in our own words."""
    quota = status_error("x", 429, b"", timedelta(seconds=9))
    assert isinstance(quota, CloudQuotaError)
    assert quota.retry_after == timedelta(seconds=9)
    offline = status_error("x", 408, ERROR, None, of_board=True)
    assert isinstance(offline, CloudBoardError)
    assert offline.trouble is BoardTrouble.OFFLINE
    assert str(offline) == "x: HTTP status 408"
