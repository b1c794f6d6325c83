"""The repair issue of gaps that an account could fill, were it there."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN, ISSUE_METER_MISSING
from ..ledger.codes import seconds
from ..metering.gaps import Gap, slots_in, within
from ..metering.model import SLOT
from ..models import MeterSource

ISSUE_HISTORY_ACCOUNT: Final = "history_account"

LOOKED_AT: Final = timedelta(days=30)
"""Nobody is told to bring an account back for gaps that are older."""


@callback
def async_tell_unasked(
    hass: HomeAssistant,
    entry: ConfigEntry,
    source: MeterSource,
    unasked: Mapping[str, Sequence[Gap]],
    now: datetime,
    *,
    whole: bool,
) -> None:
    """Raise the issue of a meter whose gaps only an account knows that is gone or disabled.

    `unasked` has the gaps by account. Where the `whole` past was looked at and there are
    none the issue is taken back. An account that is there has messages of its own, and a
    meter that is missing needs no second one of the same account.
    """
    missed = ir.async_get(hass).async_get_issue(
        DOMAIN, f"{ISSUE_METER_MISSING}_{source.source_id}"
    )
    present = None if missed is None else source.current(now).account
    issue_id = f"{ISSUE_HISTORY_ACCOUNT}_{source.source_id}"
    since_s = seconds(now - LOOKED_AT) // SLOT.seconds * SLOT.seconds
    until_s = seconds(now) // SLOT.seconds * SLOT.seconds
    missing: dict[str, int] = {}
    for account, gaps in unasked.items():
        known = hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, account)
        if account != present and (known is None or known.disabled_by is not None):
            name = account if known is None else known.title
            if slots := slots_in(within(gaps, since_s, until_s)):
                missing[name] = missing.get(name, 0) + slots
    if not missing:
        if whole:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    hours = sum(missing.values()) * SLOT / timedelta(hours=1)
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=ISSUE_HISTORY_ACCOUNT,
        translation_placeholders={
            "home": entry.title,
            "meter": source.name,
            "hours": f"{hours:.1f}",
            "account": ", ".join(missing),
        },
    )


@callback
def async_delete_history_issues(hass: HomeAssistant, sources: Iterable[str]) -> None:
    """Take back what was told of meters that are gone."""
    for source_id in sources:
        ir.async_delete_issue(hass, DOMAIN, f"{ISSUE_HISTORY_ACCOUNT}_{source_id}")


@callback
def async_keep_history_issues(hass: HomeAssistant, sources: Iterable[str]) -> None:
    """Take back what was told of meters that are not among these."""
    prefix = f"{ISSUE_HISTORY_ACCOUNT}_"
    async_delete_history_issues(
        hass,
        {
            issue_id.removeprefix(prefix)
            for domain, issue_id in ir.async_get(hass).issues
            if domain == DOMAIN and issue_id.startswith(prefix)
        }.difference(sources),
    )
