"""Runs every benchmark, prints its table and writes all numbers as JSON.

`python -m benchmarks [NAME ...] [--output FILE]`; a name is a module's without `bench_`.
"""

import argparse
from datetime import UTC, datetime
import json
from pathlib import Path
import platform
import subprocess
import sys
from typing import Any

from homeassistant.const import __version__ as home_assistant

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(
        path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py")
    )


def run(name: str) -> dict[str, Any]:
    """Run one benchmark in a process of its own and return its numbers."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.bench_{name}", "--json"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    numbers: dict[str, Any] = json.loads(done.stdout)
    return numbers


def table(numbers: dict[str, Any]) -> str:
    """Return the rows of a benchmark, one a line, each number with its name."""
    lines = []
    for title, rows in numbers.items():
        lines.append(f"\n{title}")
        for row in rows:
            values = "  ".join(
                f"{key} {value:,.3f}" if isinstance(value, float) else f"{key} {value}"
                for key, value in row.items()
                if key != "name"
            )
            lines.append(f"  {row['name']:<40} {values}")
    return "\n".join(lines)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--output", type=Path, default=FOLDER / "results/latest.json")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names()):
        parser.error(
            f"no benchmark {', '.join(unknown)}: there are {', '.join(names())}"
        )
    results: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "home_assistant": home_assistant,
    }
    for name in arguments.names or names():
        results[name] = run(name)
        print(table(results[name]), flush=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {arguments.output}")


if __name__ == "__main__":
    main()
