"""The reader of server-sent events: any cut of the bytes, any garbage, bounded memory."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.clouds.particle.event_reader import (
    MAX_EVENT,
    MAX_LINE,
    MAX_NAME,
    EventReader,
    ServerEvent,
)

MAX_TEST_LINE = 24
MAX_TEST_EVENT = 32

LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
FIELDS = st.sampled_from([b"data", b"data:", b"data: ", b"event:", b"event: ", b":"])
WORDS = st.binary(max_size=6) | st.sampled_from([b"power", b"\xef\xbb\xbf", b"\xff"])
STREAMS = st.lists(
    st.tuples(FIELDS | st.just(b""), WORDS | st.just(b""), LINE_ENDS).map(b"".join)
    | LINE_ENDS
    | st.binary(max_size=40),
    max_size=20,
).map(b"".join)
WORDS_WITHOUT_LINE_ENDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20
)


def read(
    chunks: Iterable[bytes], reader: EventReader | None = None
) -> list[ServerEvent]:
    """Return what a reader makes of chunks."""
    reader = reader or EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)]


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut a stream, with empty chunks where two places are one."""
    bounds = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(bounds)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b":ok\n\n", []),
        (b"\n\n\n", []),
        (
            b'event: power\ndata: {"data":"5.485412"}\n\n',
            [ServerEvent("power", '{"data":"5.485412"}')],
        ),
        (b"data: 1\n\n", [ServerEvent("message", "1")]),
        (b"event:power\rdata:1\r\r", [ServerEvent("power", "1")]),
        (b"event: power\r\ndata: 1\r\n\r\n", [ServerEvent("power", "1")]),
        (b"data: one\ndata: two\ndata\n\n", [ServerEvent("message", "one\ntwo\n")]),
        (b"data:  two blanks\n\n", [ServerEvent("message", " two blanks")]),
        (b"data: a: b\n\n", [ServerEvent("message", "a: b")]),
        (b"event: lonely\n\ndata: 1\n\n", [ServerEvent("message", "1")]),
        (b"event: power\n: still here\ndata: 1\n\n", [ServerEvent("power", "1")]),
        (b"id: 7\nretry: 9\nfoo: bar\ndata: 1\n\n", [ServerEvent("message", "1")]),
        (b"\xef\xbb\xbfdata: 1\n\n", [ServerEvent("message", "1")]),
        (b"data: 0\n\n\xef\xbb\xbfdata: 1\n\n", [ServerEvent("message", "0")]),
        (b"data: 5 \xc2\xb0C\n\n", [ServerEvent("message", "5 °C")]),
        (b"data: \xff\n\n", [ServerEvent("message", "\ufffd")]),
        (b"data: \x00\n\n", [ServerEvent("message", "\x00")]),
        (b"data:\n\n", [ServerEvent("message", "")]),
        (b"data: not ended\n", []),
        (b"data: cut in the li", []),
    ],
)
def test_a_stream_has_its_events(stream: bytes, events: list[ServerEvent]) -> None:
    """Streams mean what the rules for event streams say, byte by byte too."""
    assert read([stream]) == events
    assert read(bytes([byte]) for byte in stream) == events


def test_cr_and_lf_in_two_chunks_are_one_line_end() -> None:
    """A CR at a chunk's end is not followed by an empty line."""
    chunks = [b"event: power\r", b"", b"\ndata: 1\r", b"\n", b"\r", b"\n"]
    assert read(chunks) == [ServerEvent("power", "1")]


@given(stream=STREAMS, places=st.lists(st.integers(0, 500), max_size=12))
def test_any_cut_gives_the_same_events(stream: bytes, places: list[int]) -> None:
    """How the bytes are cut changes nothing, and no bytes raise."""
    assert read(cut(stream, places)) == read([stream])


@given(stream=STREAMS, places=st.lists(st.integers(0, 500), max_size=12))
def test_any_cut_gives_the_same_events_within_narrow_limits(
    stream: bytes, places: list[int]
) -> None:
    """So it is where lines and events are too long, which are counted alike."""
    whole = EventReader(MAX_TEST_LINE, MAX_TEST_EVENT)
    pieces = EventReader(MAX_TEST_LINE, MAX_TEST_EVENT)
    assert read(cut(stream, places), pieces) == read([stream], whole)
    assert pieces.oversized == whole.oversized


@given(chunks=st.lists(STREAMS, max_size=20))
def test_memory_is_bounded(chunks: list[bytes]) -> None:
    """Whatever comes, no more is kept than the limits say."""
    reader = EventReader(MAX_TEST_LINE, MAX_TEST_EVENT)
    for chunk in chunks:
        for event in reader.feed(chunk):
            assert len(event.data.encode()) <= 3 * MAX_TEST_EVENT
        assert reader.buffered <= MAX_TEST_LINE + MAX_TEST_EVENT


@given(
    events=st.lists(
        st.builds(
            ServerEvent,
            WORDS_WITHOUT_LINE_ENDS.filter(bool),
            st.lists(WORDS_WITHOUT_LINE_ENDS, min_size=1, max_size=3).map("\n".join),
        ),
        max_size=6,
    ),
    line_end=LINE_ENDS,
    places=st.lists(st.integers(0, 1000), max_size=12),
)
def test_what_is_written_is_read(
    events: list[ServerEvent], line_end: bytes, places: list[int]
) -> None:
    """Every event that a server can write is read as it was written."""
    stream = b":ok" + 2 * line_end
    for event in events:
        lines = [
            f"event: {event.name}",
            *(f"data: {x}" for x in event.data.split("\n")),
        ]
        stream += line_end.join(map(str.encode, lines)) + 2 * line_end
    assert read(cut(stream, places)) == events


@pytest.mark.parametrize(
    "event",
    [
        b"data: " + b"x" * 2 * MAX_LINE + b"\n",
        b":" + b"x" * MAX_LINE + b"\ndata: 1\n",
        b"data: 1\n:" + b"x" * MAX_LINE + b"\n",
        b"data\n" * (MAX_EVENT + 1),
        b"event: " + b"x" * (MAX_NAME + 1) + b"\ndata: 1\n",
    ],
)
def test_what_is_too_large_is_left_out(event: bytes) -> None:
    """An event beyond the limits is counted, and the next one is read."""
    reader = EventReader()
    stream = event + b"data: more of it\n\ndata: next\n\n"
    chunks = cut(stream, range(0, len(stream), 4096))
    assert read(chunks, reader) == [ServerEvent("message", "next")]
    assert reader.oversized == 1
    assert reader.buffered == 0


def test_the_largest_event_is_read() -> None:
    """An event that just fits comes whole."""
    line = b"data: " + b"x" * (MAX_LINE - 6)
    (event,) = read([line + b"\n" + line + b"\n\n"])
    assert len(event.data) == 2 * (MAX_LINE - 6) + 1
