"""The plugins that scripts/test loads into its runs of pytest."""

from pathlib import Path
import subprocess
import sys

import pytest

from scripts.suite.outcome import NOTHING, Outcome, read

ROOT = Path(__file__).parents[2]
# A second of processor time that only a child of the test uses.
CHILD = """\
import subprocess, sys, time
BUSY = "import time\\nwhile time.process_time() < 0.5: pass"
"""


def run(
    folder: Path, environment: pytest.MonkeyPatch, source: str, *arguments: str
) -> tuple[int, Outcome, str]:
    """Run a file of tests; returns pytest's status, what the plugin told and the output."""
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    environment.setenv("PYTHONPATH", str(ROOT))
    environment.delenv("PYTEST_ADDOPTS", raising=False)
    told = folder / "told.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v"),
            *(
                "-W",
                "ignore",
                "-p",
                "tests.outcome",
                "--outcome",
                str(told),
                *arguments,
            ),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, read(told), done.stdout


@pytest.mark.parametrize(
    "workers", [(), ("-p", "xdist.plugin", "-n", "1")], ids=["here", "in a worker"]
)
def test_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """Failures of each phase are told, and the processor time of a test with its child's."""
    source = CHILD + (
        "import pytest\n"
        "@pytest.fixture\n"
        "def bad(): assert 0\n"
        "@pytest.fixture\n"
        "def worse():\n    yield\n    assert 0\n"
        "def test_well(): pass\n"
        "def test_call(): assert 0\n"
        "def test_set_up(bad): pass\n"
        "def test_teardown(worse): pass\n"
        "@pytest.mark.slow\n"
        "def test_dear(): subprocess.run([sys.executable, '-c', BUSY])\n"
        "@pytest.mark.parametrize('x', ['a::b c'])\n"
        "def test_name(x): assert 0\n"
    )
    status, told, _ = run(tmp_path, monkeypatch, source, *workers, "test_it.py")
    assert status == 1
    assert set(told.failed) == {
        "test_it.py::test_call",
        "test_it.py::test_set_up",
        "test_it.py::test_teardown",
        "test_it.py::test_name[a::b c]",
    }
    assert told.paths == ("test_it.py",)
    assert told.closing == "2 failed, 3 passed, 2 errors"
    assert told.slow == {"test_it.py::test_dear"}
    assert told.cpu_s["test_it.py::test_dear"] > 0.5
    assert told.cpu_s["test_it.py::test_well"] < 0.5


def test_outcome_of_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test is known by the name by which it can be run alone."""
    source = (
        "import pytest\n"
        "@pytest.mark.xdist_group('both')\n"
        "@pytest.mark.parametrize('x', ['a@b'])\n"
        "def test_grouped(x): assert 0\n"
        "@pytest.mark.parametrize('x', ['a@b'])\n"
        "def test_single(x): assert 0\n"
    )
    workers = ("-p", "xdist.plugin", "-n", "1", "--dist", "loadgroup")
    _, told, _ = run(tmp_path, monkeypatch, source, *workers)
    assert set(told.failed) == {
        "test_it.py::test_grouped[a@b]",
        "test_it.py::test_single[a@b]",
    }


def test_outcome_of_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test with which its process died has failed; the others have not."""
    source = "import os\ndef test_well(): pass\ndef test_crash(): os._exit(3)\ndef test_next(): pass\n"
    workers = ("-p", "xdist.plugin", "-n", "1")
    status, told, _ = run(tmp_path, monkeypatch, source, *workers)
    assert status == 1
    assert told.failed == ("test_it.py::test_crash",)
    assert told.worth_another_try(status) == told.failed


def test_outcome_of_what_cannot_be_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be imported is no failure by chance."""
    workers = ("-p", "xdist.plugin", "-n", "1")
    status, told, _ = run(tmp_path, monkeypatch, "import nothing_there", *workers)
    assert status
    assert told.uncollected == ("test_it.py",)
    assert told.worth_another_try(status) == ()


def test_outcome_of_a_run_without_end(tmp_path: Path) -> None:
    """A run that was killed told nothing."""
    assert read(tmp_path / "told.json") == NOTHING


def test_one_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first variant of each test runs, methods of other classes are other tests."""
    source = (
        "import pytest\n"
        "many = pytest.mark.parametrize('x', ['a', 'b[c]'])\n"
        "def test_one(): pass\n"
        "@many\ndef test_two(x): pass\n"
        "class TestIt:\n    @many\n    def test_two(self, x): pass\n"
    )
    status, told, printed = run(
        tmp_path, monkeypatch, source, "-p", "tests.one_variant"
    )
    assert status == 0
    assert list(told.cpu_s) == [
        "test_it.py::test_one",
        "test_it.py::test_two[a]",
        "test_it.py::TestIt::test_two[a]",
    ]
    assert "2 deselected" in printed


def test_slow_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of minutes come first, all others in their order."""
    source = (
        "import pytest\n"
        "def test_one(): pass\n"
        "def test_two(): pass\n"
        "@pytest.mark.slow\ndef test_three(): pass\n"
    )
    _, told, _ = run(tmp_path, monkeypatch, source, "-p", "tests.slow_first")
    assert [name.partition("::")[2] for name in told.cpu_s] == [
        "test_three",
        "test_one",
        "test_two",
    ]
