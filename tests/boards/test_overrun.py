"""A full buffer is known by how long its pulses waited."""

from datetime import UTC, datetime, timedelta

from custom_components.energy_homes.boards.overrun import BufferWatch
from custom_components.energy_homes.metering.pulses import PulseChannel, PulseSettings

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SETTINGS = PulseSettings(cap=20_000)


class Board:
    """A board that has been up since noon."""

    def __init__(self) -> None:
        """Begin with an empty buffer."""
        self.watch = BufferWatch()
        self.channel = PulseChannel(settings=SETTINGS)

    def lost(self, stamp: int, *, at: int | None = None) -> bool:
        """Let a pulse arrive, by default at once; return whether others may be missing."""
        arrival = NOON + timedelta(milliseconds=stamp if at is None else at)
        before, result = self.channel, self.channel.take(stamp, arrival)
        self.channel = result.channel
        return self.watch.may_have_lost(before, stamp, result, arrival)


def test_pulses_in_time_lose_nothing() -> None:
    """Neither a steady load nor a pause makes a gap."""
    board = Board()
    stamps = [*range(1000, 20_000, 1000), 900_000, 901_000, 5_000_000]
    assert not any(board.lost(stamp) for stamp in stamps)


def test_fewer_than_a_buffer_lose_nothing() -> None:
    """Four pulses that waited for a minute are all there were."""
    board = Board()
    assert not any(board.lost(stamp) for stamp in (1000, 2000))
    assert not any(board.lost(s, at=60_000) for s in (3000, 4000, 5000, 6000))
    assert not board.lost(61_000)


def test_five_that_waited_lose_what_came_then() -> None:
    """The next pulse after them is not next to them, and those after it are whole."""
    board = Board()
    assert not any(board.lost(stamp) for stamp in (1000, 2000))
    assert not any(board.lost(s, at=60_000) for s in range(3000, 8000, 1000))
    assert board.lost(61_000)
    assert not any(board.lost(stamp) for stamp in range(62_000, 80_000, 1000))


def test_answers_that_were_lost_keep_pulses_in_the_buffer() -> None:
    """A pulse that is repeated was in the buffer all the time."""
    board = Board()
    assert not any(board.lost(stamp) for stamp in range(1000, 6000, 1000))
    assert not any(board.lost(s, at=60_000) for s in range(1000, 6000, 1000))
    assert board.lost(61_000)


def test_board_that_begins_anew() -> None:
    """What was in the buffer before tells nothing of the new life."""
    board = Board()
    assert not any(board.lost(s, at=60_000) for s in range(1000, 6000, 1000))
    board.channel = board.channel.powered_up()
    assert not any(board.lost(s, at=60_000 + s) for s in (100, 1100, 2100))


def test_late_pulses() -> None:
    """Pulses that arrive in another order were in the buffer as well."""
    board = Board()
    assert not any(board.lost(stamp) for stamp in (1000, 2000))
    assert not any(board.lost(s, at=60_000) for s in (7000, 6000, 5000, 4000, 3000))
    assert board.lost(61_000)


def test_pulse_that_could_not_be_kept() -> None:
    """However often it is tried, it is one pulse in the buffer."""
    board = Board()
    assert not any(board.lost(stamp) for stamp in (1000, 5000))
    for tries in range(10):
        before, result = (
            board.channel,
            board.channel.take(
                9000, NOON + timedelta(milliseconds=9000 + 2000 * tries)
            ),
        )
        arrival = NOON + timedelta(milliseconds=9000 + 2000 * tries)
        assert not board.watch.may_have_lost(before, 9000, result, arrival)
    assert not board.lost(9000, at=29_000)
    assert not board.lost(30_000)
