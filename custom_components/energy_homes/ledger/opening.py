"""The ledger of a Home Assistant: opened once for all who need it, and said where it was damaged."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LEDGER_FILE
from .ledger import Ledger
from .types import LedgerError, LedgerVersionError

DATA_LEDGER: HassKey[Ledger] = HassKey(f"{DOMAIN}_ledger")
DATA_LEDGER_OPENING: HassKey[LedgerOpening] = HassKey(f"{DOMAIN}_ledger_opening")

ISSUE_LEDGER_DAMAGED: Final = "ledger_damaged"


class LedgerOpening:
    """Opens the ledger for whoever comes first, and keeps why it is not open."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger) -> None:
        """Begin with a ledger that is not open."""
        self._hass = hass
        self._ledger = ledger
        self._opening: asyncio.Task[None] | None = None
        self.error: LedgerError | None = LedgerError("The ledger is not open")

    async def async_open(self) -> None:
        """Open the ledger where it is not open; those who come together try once.

        Raises LedgerError, for good where the file is of a newer version.
        """
        if self.error is None:
            return
        if isinstance(self.error, LedgerVersionError):
            raise self.error
        if self._opening is None or self._opening.done():
            self._opening = self._hass.async_create_task(
                self._async_open(), f"{DOMAIN} open the ledger"
            )
        await asyncio.shield(self._opening)

    async def _async_open(self) -> None:
        """Open the ledger once; say so where it was damaged."""
        try:
            opened = await self._ledger.async_open()
        except LedgerError as err:
            self.error = err
            raise
        self.error = None
        if opened.damaged_copy is not None:
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                ISSUE_LEDGER_DAMAGED,
                is_fixable=True,
                is_persistent=True,
                severity=ir.IssueSeverity.ERROR,
                translation_key=ISSUE_LEDGER_DAMAGED,
                translation_placeholders={"file": opened.damaged_copy.name},
            )


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
