"""A repair that is killed goes on where it was, and ends as one that was not."""

from datetime import UTC, datetime
from pathlib import Path
import subprocess
import sys

import pytest

from custom_components.energy_homes.ledger.codes import row_of
from custom_components.energy_homes.ledger.store import LedgerStore
from custom_components.energy_homes.metering.gaps import slots_in, without
from tests.ledger.repairer import BEGIN, SLOTS, prepare, true_energy
from tests.ledger.test_crash import ROOT, told_until_killed

FAR = datetime(2100, 1, 1, tzinfo=UTC)


def test_kill_9_inside_a_repair(tmp_path: Path) -> None:
    """What was stored is stored once; only the part in hand is asked for again."""
    path = tmp_path / "energy_homes.db"
    store = LedgerStore(path, busy_timeout=5)
    store.open()
    prepare(store)
    store.close()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.repairer", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as repairer:
        noted = 0
        for after in (1, 2, 3, 7, 20, 55):
            told = told_until_killed(repairer, 0, after)
            store.open()
            slots = store.slots("meter", BEGIN, FAR)
            total = store.totals("home").grid
            left = without(store.holes("meter", None, None, []), store.asked("meter"))
            store.close()
            assert len(slots) == SLOTS
            assert total == pytest.approx(
                sum(slot.energy or 0 for slot in slots), abs=1e-6
            )
            # Of all hours that were said to be noted each slot is known or was asked for;
            # of one that was stored before a kill only what stays unknown is asked for again.
            noted += sum(line[0] == "a" for line in told)
            assert SLOTS - slots_in(left) >= 12 * noted
        assert repairer.stdin is not None
        assert repairer.stdout is not None
        for expected in ("done", "done"):
            repairer.stdin.write("0\n")
            repairer.stdin.flush()
            lines = list(
                iter(
                    lambda: str(repairer.stdout and repairer.stdout.readline().strip()),
                    "dead",
                )
            )
            assert expected in lines
        # The second time there was nothing to do.
        assert len(lines) == 2
        repairer.stdin.close()

    store.open()
    rows = [row_of(slot) for slot in store.slots("meter", BEGIN, FAR)]
    assert [row.energy for row in rows] == [
        true_energy(row.start_s)
        if row.start_s % 30_000 or row is rows[0] or row is rows[-1]
        else None
        for row in rows
    ]
    assert store.totals("home").grid == pytest.approx(
        sum(row.energy or 0 for row in rows) / 1_000_000_000, abs=1e-6
    )
    store.close()
