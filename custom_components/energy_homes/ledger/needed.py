"""Entries that cannot be set up without the ledger say so."""

from collections.abc import Iterator
from contextlib import contextmanager

from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady

from ..const import DOMAIN, LEDGER_FILE
from .types import LedgerError, LedgerVersionError


@contextmanager
def ledger_needed() -> Iterator[None]:
    """Say that an entry cannot be set up without the ledger, for now or for good.

    Raises ConfigEntryNotReady or ConfigEntryError in the place of a LedgerError.
    """
    try:
        yield
    except LedgerVersionError as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN,
            translation_key="ledger_unusable",
            translation_placeholders={"file": LEDGER_FILE, "error": str(err)},
        ) from err
    except LedgerError as err:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="ledger_failed",
            translation_placeholders={"error": str(err)},
        ) from err
