"""A clock that is moved by whoever shares its file."""

from pathlib import Path

from simulator.clock import Clock
from simulator.shared_time import SharedTime


def test_moved_from_both_sides(tmp_path: Path) -> None:
    """Either side sees what the other has set, and whether a move has to be told."""
    path = tmp_path / "clock"
    clock = Clock(1_000, SharedTime(path))
    mine = SharedTime(path)
    told: list[int] = []
    clock.watchers.append(lambda: told.append(clock.now_ms))
    assert (mine.now_ms, mine.watched) == (1_000, False)

    mine.now_ms = 2_000
    assert clock.now_ms == 2_000
    clock.step(500)
    assert mine.now_ms == 2_500
    assert told == [2_500]

    clock.watch()
    assert mine.watched
    clock.reset()
    assert (mine.now_ms, mine.watched) == (1_000, False)


def test_a_clock_that_runs_is_not_shared(tmp_path: Path) -> None:
    """It goes its own way, and stands still where it is by then."""
    mine = SharedTime(tmp_path / "clock")
    clock = Clock(1_000, SharedTime(tmp_path / "clock"))
    mine.now_ms = 60_000
    clock.run(running=True)
    mine.now_ms = 5
    assert clock.now_ms >= 60_000
    clock.run(running=False)
    assert mine.now_ms == clock.now_ms >= 60_000
