"""Fields of requests: query, form and JSON, and what is refused."""

from contextlib import suppress
from urllib.parse import urlencode

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.boards.fields import (
    MAX_BODY,
    MAX_FIELDS,
    MAX_TEXT,
    read_fields,
    read_json,
)
from custom_components.energy_homes.boards.refused import (
    BoardMessageError,
    BoardProblem,
)

PULSE = {"channel": "1", "millis": "3600"}
FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        ("channel=1&millis=3600", b"", ""),
        ("", b"channel=1&millis=3600", FORM),
        ("", b"channel=1&millis=3600\r\n", ""),
        ("channel=1", b"millis=3600", FORM),
        ("channel=1&millis=3600", b"channel=1", FORM),
        ("channel=%31&millis=+3600+", b"", ""),
        ("", b'{"channel": 1, "millis": 3600}', JSON),
        ("", b'\n {"channel": "1", "millis": "3600"}', FORM),
        ("", b'\xef\xbb\xbf{"channel": 1, "millis": 3600}', JSON),
        ("channel=1", b'{"millis": 3600}', ""),
    ],
)
def test_every_way_to_say_it(query: str, body: bytes, content_type: str) -> None:
    """Where the fields are does not matter."""
    assert read_fields(query, body, content_type) == PULSE


def test_flags_of_json() -> None:
    """They are those of a form."""
    assert read_fields("", b'{"powerup": true, "debug": false}', JSON) == {
        "powerup": "true",
        "debug": "false",
    }


def test_nothing() -> None:
    """No field is no error here."""
    assert read_fields("", b"") == {}


@pytest.mark.parametrize(
    ("query", "body", "problem"),
    [
        ("a=" + "1" * MAX_BODY, b"", BoardProblem.TOO_LARGE),
        ("", b"x" * (MAX_BODY + 1), BoardProblem.TOO_LARGE),
        ("a=" + "1" * (MAX_TEXT + 1), b"", BoardProblem.TOO_LARGE),
        ("a" * (MAX_TEXT + 1) + "=1", b"", BoardProblem.TOO_LARGE),
        ("&".join(f"a{n}=1" for n in range(17)), b"", BoardProblem.TOO_LARGE),
        (
            "&".join(f"a{n}=1" for n in range(MAX_FIELDS)),
            b"b=1",
            BoardProblem.TOO_LARGE,
        ),
        ("channel=1&channel=2", b"", BoardProblem.REPEATED),
        ("channel=1", b"channel=2", BoardProblem.REPEATED),
        ("", b'{"channel": 1, "channel": 2}', BoardProblem.UNREADABLE),
        ("channel=%ff", b"", BoardProblem.UNREADABLE),
        ("", b"channel=\xff", BoardProblem.UNREADABLE),
        ("", b"{", BoardProblem.UNREADABLE),
        ("", b"[1]", BoardProblem.UNREADABLE),
        ("", b"[" * MAX_BODY, BoardProblem.UNREADABLE),
        ("", b'{"millis": 1.5}', BoardProblem.UNREADABLE),
        ("", b'{"millis": null}', BoardProblem.UNREADABLE),
        ("", b'{"millis": NaN}', BoardProblem.UNREADABLE),
        ("", b'{"millis": {"a": 1}}', BoardProblem.UNREADABLE),
        ("", b'{"millis": 1' + b"0" * 400 + b"}", BoardProblem.UNREADABLE),
        ("", b'{"\xff": 1}', BoardProblem.UNREADABLE),
    ],
)
def test_refusals(query: str, body: bytes, problem: BoardProblem) -> None:
    """Each says what is wrong, and nothing of what was sent."""
    with pytest.raises(BoardMessageError) as caught:
        read_fields(query, body)
    assert caught.value.problem is problem
    assert str(caught.value)
    assert caught.value.__context__ is None


@given(query=st.text(max_size=200), body=st.binary(max_size=200), kind=st.text())
def test_whatever_is_sent(query: str, body: bytes, kind: str) -> None:
    """It has fields, or is refused."""
    with suppress(BoardMessageError):
        fields = read_fields(query, body, kind)
        assert len(fields) <= MAX_FIELDS
        assert all(len(text) <= MAX_TEXT for item in fields.items() for text in item)


@given(
    fields=st.dictionaries(
        st.text("abcdefghij", min_size=1),
        st.text("0123456789abc", max_size=20),
        max_size=16,
    )
)
def test_forms_come_back(fields: dict[str, str]) -> None:
    """What was encoded is what is read, from either place."""
    form = urlencode(fields)
    assert read_fields(form, b"") == fields
    assert read_fields("", form.encode()) == fields


def test_deep_json() -> None:
    """What is nested too deep is not JSON to us."""
    with pytest.raises(BoardMessageError):
        read_json(b"[" * 60_000)
