"""The ledger: every settled slot of every source, and what a restart needs."""

from .ledger import Ledger
from .types import (
    Counted,
    HomeStatement,
    HomeTotals,
    LedgerError,
    LedgerHome,
    LedgerVersionError,
    Opened,
    StatisticMark,
    StoredSource,
    home_key,
    source_key,
)

__all__ = [
    "Counted",
    "HomeStatement",
    "HomeTotals",
    "Ledger",
    "LedgerError",
    "LedgerHome",
    "LedgerVersionError",
    "Opened",
    "StatisticMark",
    "StoredSource",
    "home_key",
    "source_key",
]
