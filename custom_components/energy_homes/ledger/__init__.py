"""The ledger: every settled slot of every source, and what a restart needs."""

from .ledger import Ledger
from .types import (
    Counted,
    DueHour,
    HomeStatement,
    HomeTotals,
    HourlyPower,
    HourlyTotal,
    LedgerError,
    LedgerHome,
    LedgerVersionError,
    Opened,
    PastTaken,
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
    "HourlyPower",
    "HourlyTotal",
    "Ledger",
    "LedgerError",
    "LedgerHome",
    "LedgerVersionError",
    "Opened",
    "PastTaken",
    "StatisticMark",
    "StoredRoom",
    "StoredSource",
    "home_key",
    "source_key",
]
