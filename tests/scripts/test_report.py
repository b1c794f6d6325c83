"""What a run prints: its sections, and the report that closes it."""

import os

import pytest

from scripts.suite.report import Printer, Run, Verdict


def test_flaky_is_said_first_and_last(capfd: pytest.CaptureFixture[str]) -> None:
    """A run with a flaky test passes; the report begins and the run ends with its name."""
    run = Run()
    run.section(
        "tests",
        lambda _: Verdict(
            passed=True,
            closing="1 failed, 2 passed",
            flaky=("t.py::a",),
            notes=("9 CPU s",),
        ),
    )
    assert run.close() == 0
    assert capfd.readouterr().out.splitlines() == [
        "",
        "=== tests",
        "",
        "FLAKY t.py::a (tests)",
        "9 CPU s",
        "passed     0 s  tests: 1 failed, 2 passed",
        "=== all passed in 0 s ===",
        "FLAKY t.py::a (tests)",
    ]


def test_a_failed_section_does_not_end_the_run(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The sections that follow run all the same; the run has failed."""
    run = Run()
    run.section("style", lambda _: Verdict(passed=False))
    run.section("tests", lambda _: Verdict(passed=True))
    assert run.close() == 1
    assert capfd.readouterr().out.splitlines()[-3:] == [
        "FAILED    0 s  style",
        "passed    0 s  tests",
        "=== FAILED in 0 s ===",
    ]


def test_what_runs_beside_is_printed_whole(capfd: pytest.CaptureFixture[str]) -> None:
    """What a section beside others prints comes in one piece, in the order it was printed."""

    def beside(printer: Printer) -> Verdict:
        printer.say("first")
        assert isinstance(printer.output, int)
        os.write(printer.output, b"second, of a program\n")
        printer.say("third")
        return Verdict(passed=True)

    def a_test(printer: Printer) -> Verdict:
        printer.say("a test")
        return Verdict(passed=True)

    run = Run()
    run.beside("types", beside)
    run.section("tests", a_test)
    assert run.close() == 0
    printed = capfd.readouterr().out
    assert "=== types\nfirst\nsecond, of a program\nthird\n" in printed


def test_a_broken_section_beside_ends_the_run() -> None:
    """An error of ours in another thread is not passed over."""

    def broken(_: Printer) -> Verdict:
        raise OSError("no space")

    run = Run()
    run.beside("types", broken)
    with pytest.raises(OSError, match="no space"):
        run.close()
