"""A repair that is killed goes on where it was, and ends as one that was not."""

from datetime import UTC, datetime
from pathlib import Path
import subprocess
import sys

import pytest

from custom_components.energy_homes.ledger.codes import row_of
from custom_components.energy_homes.metering.gaps import slots_in, without
from tests.ledger.inline import inline_ledger, now
from tests.ledger.repairer import BEGIN, SLOTS, prepare, true_energy
from tests.ledger.test_crash import ROOT, told_until_killed

FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.heavy
def test_kill_9_inside_a_repair(tmp_path: Path) -> None:
    """What was stored is stored once; only the part in hand is asked for again."""
    path = tmp_path / "energy_homes.db"
    store = inline_ledger(path, busy_timeout=60)
    now(store.async_open())
    prepare(store)
    now(store.async_close())
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
            now(store.async_open())
            slots = now(store.slots.async_between("meter", BEGIN, FAR))
            total = store.sums.totals("home").grid
            left = without(
                now(store.slots.async_gaps("meter")),
                now(store.slots.async_asked("meter")),
            )
            now(store.async_close())
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

    now(store.async_open())
    rows = [
        row_of(slot) for slot in now(store.slots.async_between("meter", BEGIN, FAR))
    ]
    assert [row.energy for row in rows] == [
        true_energy(row.start_s)
        if row.start_s % 30_000 or row is rows[0] or row is rows[-1]
        else None
        for row in rows
    ]
    assert store.sums.totals("home").grid == pytest.approx(
        sum(row.energy or 0 for row in rows) / 1_000_000_000, abs=1e-6
    )
    now(store.async_close())
