"""Changes of the ledger that share a transaction: all of them are committed, or none."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from custom_components.energy_homes.ledger import LedgerError, home_key
from custom_components.energy_homes.ledger.file import LedgerFile
from custom_components.energy_homes.ledger.homes import add_home, all_homes
from custom_components.energy_homes.ledger.slots import settle, source_slots
from custom_components.energy_homes.ledger.sources import add_source
from custom_components.energy_homes.metering.model import SLOT, MeterRole

from .slots import T0, slot

GRID = home_key("elm", "grid")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LedgerFile]:
    """Return an open file with nothing in it."""
    file = LedgerFile(tmp_path / "ledger.db", busy_timeout=60)
    file.open()
    yield file
    file.close()


def test_each_sees_those_before_it(file: LedgerFile) -> None:
    """Memory says nothing before the commit and all of it afterwards."""
    with file.writing("FULL") as transaction:
        add_home(transaction, "elm", "Elm Street")
        for source_id in ("one", "two"):
            add_source(transaction, source_id, "elm")
            assert settle(transaction, source_id, MeterRole.GRID, [slot(0, 1)], []) == 1
        assert settle(transaction, "one", MeterRole.GRID, [slot(0, 1)], []) == 0
        assert transaction.state.total(GRID) == 2 * 10**9
        assert file.state.total(GRID) == 0
    assert file.state.total(GRID) == 2 * 10**9
    file.open()
    assert file.state.total(GRID) == 2 * 10**9


def test_one_that_fails_takes_the_others_with_it(file: LedgerFile) -> None:
    """Nothing of them is in the file or in memory."""
    with file.writing("FULL") as transaction:
        add_home(transaction, "elm", "Elm Street")
        add_source(transaction, "one", "elm")
    with suppress(LedgerError), file.writing("FULL") as transaction:
        add_home(transaction, "mill", "Mill Cottage")
        assert settle(transaction, "one", MeterRole.GRID, [slot(0, 1)], []) == 1
        settle(transaction, "nobody", MeterRole.GRID, [slot(0, 1)], [])
    assert file.state.total(GRID) == 0
    with file.reading() as view:
        assert source_slots(view, "one", T0, T0 + SLOT) == []
        assert [home.home_id for home in all_homes(view)] == ["elm"]
