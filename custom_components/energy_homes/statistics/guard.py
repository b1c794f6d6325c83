"""Keeps an energy total from falling where the ledger knows less than the recorder.

A total that falls by more than a tenth is taken for a meter reset, and all of it is counted
again in the sums; a smaller fall gives a negative bar.
"""

import logging
from typing import Final

from homeassistant.components.recorder import get_instance
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
from sqlalchemy.exc import SQLAlchemyError

from ..const import DOMAIN
from ..ledger import Ledger, StatisticMark
from ..metering.reconcile import hour_start
from .reading import LONG_AGO, async_can_record, read_last

_LOGGER = logging.getLogger(__name__)

ISSUE_LEDGER_NEW: Final = "ledger_new"
ISSUE_LEDGER_BEHIND: Final = "ledger_behind"

GUARD_TOLERANCE: Final = 2e-6
"""What a total in another display unit may be off by rounding, in kWh."""


async def async_guard_total(
    hass: HomeAssistant,
    ledger: Ledger,
    key: str,
    entity_id: str,
    home: str | None = None,
) -> float:
    """Let a total go on from what the recorder saw last; return the lost energy in kWh.

    Call it before the total is published for the first time. 0.0 where the ledger knows at
    least as much as the recorder, or the recorder knows nothing. `home` is what the repair
    issue calls the home. Raises ConfigEntryNotReady where the recorder cannot answer now.
    """
    if not async_can_record(hass, entity_id):
        return 0.0
    entry = er.async_get(hass).async_get(entity_id)
    recorder = get_instance(hass)
    # Rows from before the entity was registered belong to an earlier one of that name.
    since = entry.created_at if entry else LONG_AGO
    try:
        last = await recorder.async_add_executor_job(read_last, hass, entity_id, since)
    except SQLAlchemyError as err:
        # A lower total that was published once would be counted again for good.
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="recorder_failed",
            translation_placeholders={"entity": entity_id},
        ) from err
    if last is None:
        return 0.0
    state, offset = last
    total = await ledger.async_total(key)
    if (lost := round(state - total, 6)) <= GUARD_TOLERANCE:
        return 0.0
    now = dt_util.utcnow()
    is_new = await ledger.async_first_slot(key) is None
    await ledger.async_carry(key, now, lost)
    if offset is not None:
        # What the recorder knows better than the ledger is never written again.
        await ledger.async_set_mark(
            key,
            StatisticMark(offset_kwh=offset, floor=hour_start(now)),
        )
    _LOGGER.warning(
        "The ledger knows %.6f kWh less of %s than the recorder; the total goes on from there",
        lost,
        entity_id,
    )
    owner = entry.config_entry_id if entry and entry.config_entry_id else key
    _raise_issue(
        hass,
        ISSUE_LEDGER_NEW if is_new else ISSUE_LEDGER_BEHIND,
        owner,
        home or entity_id,
        lost,
    )
    return lost


@callback
def _raise_issue(
    hass: HomeAssistant, translation_key: str, owner: str, home: str, lost: float
) -> None:
    """Tell the user once per home, with the largest loss of its totals in kWh."""
    issue_id = f"{translation_key}_{owner}"
    known = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    data = known.data if known is not None and known.data is not None else {}
    largest = max(lost, float(data.get("energy") or 0.0))
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        data={"energy": largest},
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=translation_key,
        translation_placeholders={"home": home, "energy": f"{largest:.3f}"},
    )


@callback
def async_delete_guard_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Take back what a home was told of its history; call it when the home is removed."""
    for translation_key in (ISSUE_LEDGER_NEW, ISSUE_LEDGER_BEHIND):
        ir.async_delete_issue(hass, DOMAIN, f"{translation_key}_{entry.entry_id}")
