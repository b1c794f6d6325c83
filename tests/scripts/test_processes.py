"""The programs of a run end with it."""

from pathlib import Path
import signal
import subprocess
import sys

import pytest

from scripts.suite.__main__ import Wanted, wanted
from scripts.suite.processes import INTERRUPTED, Interrupted, Processes

ROOT = Path(__file__).parents[2]
# A run that waits for a program of its own, which starts another.
RUN = """\
from scripts.suite.processes import living
with living() as processes:
    processes.run(["sh", "-c", "sleep 1000 & echo $!; wait"])
"""


def test_ended() -> None:
    """A program's status is told, and the time of the processor with its children's."""
    busy = "import time\nwhile time.process_time() < 0.3: pass\nraise SystemExit(7)"
    command = ["sh", "-c", f"{sys.executable} -c '{busy}'"]
    ended = Processes().run(command)
    assert ended.status == 7
    assert ended.cpu_s > 0.3


def test_nothing_starts_after_the_end() -> None:
    """Whoever wants another program after the run was ended is ended too."""
    processes = Processes()
    pid = processes.start(["sleep", "1000"])
    assert processes.is_alive(pid)
    processes.end_all()
    assert not processes.is_alive(pid)
    with pytest.raises(Interrupted):
        processes.start(["true"])


def test_what_does_not_hear_is_killed() -> None:
    """A program that goes on when it is told to end has ended all the same."""
    processes = Processes(grace_s=0.5)
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(1000)"
    pid = processes.start([sys.executable, "-c", deaf])
    processes.end(pid)
    assert not processes.is_alive(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_ends_with_the_run(number: signal.Signals) -> None:
    """Ctrl-C, and what CI sends when its time is up, end the programs and all that they started."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline())
        process.send_signal(number)
        # Comes to its end only when the last that could write has ended.
        assert process.stdout.read() == "=== interrupted\n"
        assert process.wait(60) == INTERRUPTED


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], Wanted("fast", (), ())),
        (["--all"], Wanted("all", (), ())),
        (["--changed"], Wanted("changed", (), ())),
        (["--explore", "--", "-x"], Wanted("explore", (), ("-x",))),
        (["--", "-k", "a", "--", "b"], Wanted("fast", (), ("-k", "a", "--", "b"))),
        (
            ["--again", "a.py", "b.py", "--", "-x"],
            Wanted("again", ("a.py", "b.py"), ("-x",)),
        ),
    ],
)
def test_wanted(words: list[str], told: Wanted) -> None:
    """Modes exclude each other; what follows `--` is pytest's."""
    assert wanted(words) == told


@pytest.mark.parametrize(
    "words", [["--al"], ["tests"], ["--all", "--changed"], ["--again"]]
)
def test_not_wanted(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is answered with the usage."""
    with pytest.raises(SystemExit) as ended:
        wanted(words)
    assert ended.value.code == 2
    assert "usage: scripts/test" in capsys.readouterr().err
