"""Meters, heatings and sensors that say nothing any more: a repair after a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..accounts.kinds import KINDS
from ..accounts.registry import AccountState, MeterInfo
from ..const import DOMAIN, ISSUE_METER_MISSING, METER_MISSING_AFTER, SourceKind
from ..history.issue import async_delete_history_issues
from ..homes.inventory import (
    account_title,
    all_sources,
    entity_id_of,
    heating_hubs,
    hubs,
    sensing_hubs,
)
from ..models import HeatingSource, Revision, SensorsSource, Source

ISSUE_HEATING_MISSING: Final = "heating_missing"
ISSUE_SENSORS_MISSING: Final = "sensors_missing"
ISSUES: Final = (ISSUE_HEATING_MISSING, ISSUE_METER_MISSING, ISSUE_SENSORS_MISSING)

STORE_KEY: Final = f"{DOMAIN}.missing"
STORE_VERSION: Final = 1
SAVE_DELAY_S: Final = 30


class Sight(Enum):
    """What can be said of a source now."""

    PRESENT = auto()
    MISSING = auto()
    UNSURE = auto()


@dataclass(frozen=True, slots=True)
class Absence:
    """Since when hardware is missing, and what it said of that itself when last looked at."""

    since: datetime
    reported: datetime | None = None

    def seen_again(self, reported: datetime | None) -> Absence:
        """Return the absence after another look; `reported` is what is said of it now.

        An entity's state is new after a restart, and says that its absence is.
        """
        if self.reported is None or reported is None:
            return Absence(min(self.since, reported or self.since), reported)
        if reported == self.reported:
            return self
        return Absence(reported, reported)


@dataclass(frozen=True, slots=True)
class AccountReport:
    """What an account reported of its meters, and since when which of them are missing."""

    meters: Mapping[str, MeterInfo]
    missing: Mapping[str, datetime]


class MissingSources:
    """Keeps one repair for each source that is missing for longer than a day.

    An account that cannot be asked leaves everything as it is.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start without knowing of any."""
        self._hass = hass
        self._noticed: dict[tuple[str, str], Absence] = {}
        self._reports: dict[str, AccountReport] = {}
        self._store: Store[list[list[str]]] = Store(hass, STORE_VERSION, STORE_KEY)

    async def async_load(self) -> None:
        """Go on with what an earlier run noticed."""
        self._noticed = {
            (source_id, hardware): Absence(datetime.fromisoformat(since))
            for source_id, hardware, since in await self._store.async_load() or ()
        }

    def _as_data(self) -> list[list[str]]:
        """Return what another run has to know."""
        return [
            [source_id, hardware, absence.since.isoformat()]
            for (source_id, hardware), absence in self._noticed.items()
        ]

    @callback
    def async_check(self) -> None:
        """Raise and take back repairs; not while others are still starting or stopping."""
        if self._hass.state is not CoreState.running:
            return
        now = dt_util.utcnow()
        # A hub gathers what it tells; many sources ask.
        self._reports = {}
        kept: set[str] = set()
        noticed: dict[tuple[str, str], Absence] = {}
        for (entry_id, subentry_id), source in all_sources(self._hass).items():
            revision = source.current(now)
            if source.next_change(now) is not None:
                continue
            key = (source.source_id, revision.hardware)
            issue_id = f"{_issue(source)}_{source.source_id}"
            sight, reported = (
                self._sight_of_host(revision, now)
                if isinstance(source, SensorsSource)
                else self._sight(source, revision)
            )
            known = self._noticed.get(key)
            if sight is Sight.PRESENT:
                continue
            if sight is Sight.UNSURE:
                kept.add(issue_id)
                if known is not None:
                    noticed[key] = known
                continue
            absence = noticed[key] = (
                known.seen_again(reported)
                if known is not None
                else Absence(reported or now, reported)
            )
            if now - absence.since > METER_MISSING_AFTER:
                kept.add(issue_id)
                self._raise(entry_id, subentry_id, issue_id, source, absence.since)
            elif self._raised(issue_id):
                # From an earlier run, which had noticed it a day before.
                kept.add(issue_id)
        before, self._noticed = self._as_data(), noticed
        if self._as_data() != before:
            self._store.async_delay_save(self._as_data, SAVE_DELAY_S)
        self._keep_only(kept)

    def _sight(
        self, source: Source, revision: Revision
    ) -> tuple[Sight, datetime | None]:
        """Return whether hardware is there, and since when not where that is known."""
        if revision.kind is SourceKind.ENTITY:
            return self._sight_of_entity(revision)
        if isinstance(source, HeatingSource):
            return self._sight_of_heating(revision), None
        assert revision.account is not None
        assert revision.hardware_id is not None
        hub = hubs(self._hass).get(revision.account)
        if hub is None:
            return self._sight_without_hub(revision), None
        last_heard = KINDS[hub.kind].last_heard
        if last_heard is not None and hub.state is AccountState.OUTAGE:
            # It calls us: silence is all that there is to notice.
            return Sight.MISSING, last_heard(hub)
        if hub.state is not AccountState.CONNECTED:
            return Sight.UNSURE, None
        if (report := self._reports.get(revision.account)) is None:
            report = self._reports[revision.account] = AccountReport(
                hub.meters, hub.missing
            )
        if (since := report.missing.get(revision.hardware_id)) is not None:
            return Sight.MISSING, since
        meter = report.meters.get(revision.hardware_id)
        if meter is None or meter.ghost:
            return Sight.MISSING, None
        return Sight.PRESENT, None

    def _sight_of_heating(self, revision: Revision) -> Sight:
        """Return whether an account has the vendor's home that heats."""
        hub = heating_hubs(self._hass).get(str(revision.account))
        if hub is None:
            return self._sight_without_hub(revision)
        if hub.state is not AccountState.CONNECTED:
            return Sight.UNSURE
        gone = hub.heating_update(str(revision.hardware_id)).gone
        return Sight.MISSING if gone else Sight.PRESENT

    def _sight_of_host(
        self, revision: Revision, now: datetime
    ) -> tuple[Sight, datetime | None]:
        """Return whether a host has a sensor that reports, and when it had one last."""
        hub = sensing_hubs(self._hass).get(str(revision.account))
        if hub is None:
            return self._sight_without_hub(revision), None
        readings = hub.host_update(str(revision.hardware_id)).readings
        if any(reading.heard(now) for reading in readings):
            return Sight.PRESENT, None
        return Sight.MISSING, max((r.at for r in readings), default=None)

    def _sight_without_hub(self, revision: Revision) -> Sight:
        """Return what can be said where the account is not loaded."""
        account = self._hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, str(revision.account)
        )
        return Sight.MISSING if account is None else Sight.UNSURE

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
        source: Source,
        since: datetime,
    ) -> None:
        """Raise the repair of one source; it tells of the account's history as well."""
        async_delete_history_issues(self._hass, [source.source_id])
        revision = source.current(dt_util.utcnow())
        if revision.kind is SourceKind.ENTITY:
            hardware = entity_id_of(self._hass, revision) or str(revision.entity)
        else:
            account = account_title(self._hass, str(revision.account))
            hub = hubs(self._hass).get(str(revision.account))
            name = str(revision.hardware_id)
            # A host of sensors may be called like a meter of its account.
            if hub is not None and not isinstance(source, SensorsSource):
                name = KINDS[hub.kind].hardware_name(hub, name)
            hardware = f"{name} ({account})"
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data={"entry_id": entry_id, "subentry_id": subentry_id},
            is_fixable=True,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=_issue(source),
            translation_placeholders={
                "home": self._hass.config_entries.async_get_known_entry(entry_id).title,
                "meter": source.name,
                "hardware": hardware,
                "since": dt_util.as_local(since).strftime("%Y-%m-%d %H:%M"),
            },
        )

    @callback
    def _keep_only(self, kept: set[str]) -> None:
        """Take back the repairs of what is back, replaced or removed."""
        for domain, issue_id in tuple(ir.async_get(self._hass).issues):
            if (
                domain == DOMAIN
                and issue_id.startswith(tuple(f"{issue}_" for issue in ISSUES))
                and issue_id not in kept
            ):
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)


def _issue(source: Source) -> str:
    """Return the kind of repair that a source raises."""
    if isinstance(source, HeatingSource):
        return ISSUE_HEATING_MISSING
    if isinstance(source, SensorsSource):
        return ISSUE_SENSORS_MISSING
    return ISSUE_METER_MISSING
