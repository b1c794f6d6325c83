"""Meters of homes that say nothing any more: a repair after a day."""

from datetime import datetime
from enum import Enum, auto
from typing import Final

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .accounts.registry import AccountState
from .const import DOMAIN, METER_MISSING_AFTER, SourceKind
from .flows.inventory import account_title, entity_id_of, hubs
from .homes import meter_sources
from .models import MeterSource, Revision

ISSUE_METER_MISSING: Final = "meter_missing"


class Sight(Enum):
    """What can be said of a meter now."""

    PRESENT = auto()
    MISSING = auto()
    UNSURE = auto()


class MissingMeters:
    """Keeps one repair for each meter that is missing for longer than a day.

    An account that cannot be asked leaves everything as it is.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without knowing of any."""
        self._hass = hass
        self._noticed: dict[tuple[str, Revision], datetime] = {}

    @callback
    def async_check(self) -> None:
        """Raise and take back repairs."""
        now = dt_util.utcnow()
        kept: set[str] = set()
        noticed: dict[tuple[str, Revision], datetime] = {}
        for (entry_id, subentry_id), source in meter_sources(self._hass).items():
            revision = source.current(now)
            if source.next_change(now) is not None:
                continue
            key = (source.source_id, revision)
            issue_id = f"{ISSUE_METER_MISSING}_{source.source_id}"
            sight, since = self._sight(revision)
            if sight is Sight.PRESENT:
                continue
            if sight is Sight.UNSURE:
                kept.add(issue_id)
                if key in self._noticed:
                    noticed[key] = self._noticed[key]
                continue
            since = noticed[key] = since or self._noticed.get(key, now)
            if now - since > METER_MISSING_AFTER:
                kept.add(issue_id)
                self._raise(entry_id, subentry_id, issue_id, source, since)
            elif self._raised(issue_id):
                # From an earlier run, which had noticed it a day before.
                kept.add(issue_id)
        self._noticed = noticed
        self._keep_only(kept)

    def _sight(self, revision: Revision) -> tuple[Sight, datetime | None]:
        """Return whether hardware is there, and since when not where that is known."""
        if revision.kind is SourceKind.ENTITY:
            return self._sight_of_entity(revision)
        assert revision.account is not None
        assert revision.hardware_id is not None
        hub = hubs(self._hass).get(revision.account)
        if hub is None:
            account = self._hass.config_entries.async_entry_for_domain_unique_id(
                DOMAIN, revision.account
            )
            return (Sight.MISSING if account is None else Sight.UNSURE), None
        if hub.state is not AccountState.CONNECTED:
            return Sight.UNSURE, None
        if (since := hub.missing.get(revision.hardware_id)) is not None:
            return Sight.MISSING, since
        meter = hub.meters.get(revision.hardware_id)
        if meter is None or meter.ghost:
            return Sight.MISSING, None
        return Sight.PRESENT, None

    def _sight_of_entity(self, revision: Revision) -> tuple[Sight, datetime | None]:
        """Return whether an entity is there and available."""
        entity_id = entity_id_of(self._hass, revision)
        state = self._hass.states.get(entity_id) if entity_id else None
        if state is None:
            return Sight.MISSING, None
        if state.state == STATE_UNAVAILABLE:
            return Sight.MISSING, state.last_changed
        return Sight.PRESENT, None

    def _raised(self, issue_id: str) -> bool:
        """Return whether there is a repair."""
        return ir.async_get(self._hass).async_get_issue(DOMAIN, issue_id) is not None

    @callback
    def _raise(
        self,
        entry_id: str,
        subentry_id: str,
        issue_id: str,
        source: MeterSource,
        since: datetime,
    ) -> None:
        """Raise the repair of one meter."""
        revision = source.current(dt_util.utcnow())
        if revision.kind is SourceKind.ENTITY:
            hardware = entity_id_of(self._hass, revision) or str(revision.entity)
        else:
            account = account_title(self._hass, str(revision.account))
            hardware = f"{revision.hardware_id} ({account})"
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data={"entry_id": entry_id, "subentry_id": subentry_id},
            is_fixable=True,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=ISSUE_METER_MISSING,
            translation_placeholders={
                "home": self._hass.config_entries.async_get_known_entry(entry_id).title,
                "meter": source.name,
                "hardware": hardware,
                "since": dt_util.as_local(since).strftime("%Y-%m-%d %H:%M"),
            },
        )

    @callback
    def _keep_only(self, kept: set[str]) -> None:
        """Take back the repairs of meters that are back, replaced or removed."""
        for domain, issue_id in tuple(ir.async_get(self._hass).issues):
            if (
                domain == DOMAIN
                and issue_id.startswith(f"{ISSUE_METER_MISSING}_")
                and issue_id not in kept
            ):
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
