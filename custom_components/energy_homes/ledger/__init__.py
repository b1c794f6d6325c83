"""The ledger: every settled slot of every source, and what a restart needs."""

from .ledger import Ledger
from .types import (
    Counted,
    DueHour,
    HomeStatement,
    HomeTotals,
    LedgerError,
    LedgerHome,
    LedgerVersionError,
    Opened,
    StatisticMark,
    StoredRoom,
    StoredSource,
    home_key,
    source_key,
)

__all__ = [
    "Counted",
    "DueHour",
    "HomeStatement",
    "HomeTotals",
    "Ledger",
    "LedgerError",
    "LedgerHome",
    "LedgerVersionError",
    "Opened",
    "StatisticMark",
    "StoredRoom",
    "StoredSource",
    "home_key",
    "source_key",
]
