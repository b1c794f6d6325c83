"""Check a coverage report (JSON) against what this project asks of each of its parts."""

from collections.abc import Iterable
from dataclasses import dataclass
import json
from pathlib import Path
import sys
from typing import Any

PACKAGE = "custom_components/energy_homes/"


@dataclass(frozen=True)
class Rule:
    """A part of the package, by the beginning of its files' paths, and its least coverage in percent."""

    name: str
    prefixes: tuple[str, ...]
    least: float


RULES = (
    Rule("whole package", ("",), 95),
    Rule("metering", ("metering/",), 100),
    Rule("heating", ("heating/",), 100),
    Rule("sensing", ("sensing/",), 100),
    Rule("config flows", ("config_flow.py", "flows/"), 100),
)


def covered(summaries: Iterable[dict[str, Any]]) -> float | None:
    """Return the percentage of statements and branches that ran, None where there are none."""
    done = total = 0
    for summary in summaries:
        done += summary["covered_lines"] + summary.get("covered_branches", 0)
        total += summary["num_statements"] + summary.get("num_branches", 0)
    return 100 * done / total if total else None


def main() -> int:
    """Print each rule with what was reached; returns how many were missed."""
    files = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["files"]
    missed = 0
    for rule in RULES:
        inside = {
            path: report
            for path, report in files.items()
            if path.startswith(tuple(PACKAGE + prefix for prefix in rule.prefixes))
        }
        reached = covered(report["summary"] for report in inside.values())
        if reached is None:
            continue
        enough = reached >= rule.least
        missed += not enough
        print(
            f"coverage of {rule.name}: {reached:.2f} % "
            f"({'at least' if enough else 'MISSED'} {rule.least:g} %)"
        )
        if enough:
            continue
        for path, report in sorted(inside.items()):
            lines = report["missing_lines"]
            branches = report.get("missing_branches", [])
            if lines or branches:
                print(f"  {path}: lines {lines}, branches {branches}")
    return missed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
