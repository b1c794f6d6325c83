"""The ledger: every settled slot of every source, and what a restart needs."""

from .ledger import Ledger
from .types import (
    Counted,
    DueHour,
    HomeStatement,
    HomeTotals,
    HourlyMean,
    HourlyTotal,
    LedgerError,
    LedgerHome,
    LedgerVersionError,
    Opened,
    PastAdjustment,
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
    "HourlyMean",
    "HourlyTotal",
    "Ledger",
    "LedgerError",
    "LedgerHome",
    "LedgerVersionError",
    "Opened",
    "PastAdjustment",
    "StatisticMark",
    "StoredRoom",
    "StoredSource",
    "home_key",
    "source_key",
]
