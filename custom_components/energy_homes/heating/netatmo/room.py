"""A room at run time: what the vendor says of it, and what was asked of it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from ..model import HomeMode, SetpointMode
from ..records import RoomRecord
from .active import (
    FRESH,
    SETTLING,
    ActiveRequest,
    RoomReport,
    Verdict,
    agrees,
    judged,
    next_plan,
    recalled,
)
from .plan import RoomSituation, SetpointPlan

SHORTEST_WAIT: Final = timedelta(minutes=1)
"""How long nothing is sent again after a first failure; twice that after the next."""

LONGEST_WAIT: Final = timedelta(minutes=15)
"""How long nothing is sent again at most."""


class RoomState:
    """Requests of a room from being asked to being over.

    Orders that are under way are shown before they are accepted, the newest of them. What was
    accepted is shown, and kept, until the vendor's reports say that it is over.
    """

    def __init__(self, record: RoomRecord) -> None:
        """Begin with a room of which nothing is known."""
        self.record = record
        self.active: ActiveRequest | None = None
        self._under_way: list[ActiveRequest] = []
        self._renewal: ActiveRequest | None = None
        self._failed_at: datetime | None = None
        self._wait = timedelta()
        self._unsure: tuple[ActiveRequest, ...] = ()
        self._unsure_since: datetime | None = None
        self._doubtful: ActiveRequest | None = None
        """A renewal of what is active of which nobody knows whether it arrived."""
        self._confirmed = False
        self._shows_active = False

    @property
    def shown(self) -> ActiveRequest | None:
        """Return the request that says what the room is set to; None where the vendor does."""
        if self._under_way:
            return self._under_way[-1]
        return self.active if self._shows_active else None

    @property
    def pending(self) -> bool:
        """Return whether the vendor has yet to confirm what is shown."""
        return bool(self._under_way) or (self.shown is not None and not self._confirmed)

    @property
    def busy(self) -> bool:
        """Return whether something is under way to the vendor."""
        return bool(self._under_way) or self._renewal is not None

    def begin(self, plan: SetpointPlan) -> ActiveRequest:
        """Show what was asked; end it with `accept` or `drop`."""
        order = ActiveRequest(plan=plan)
        self._under_way.append(order)
        return order

    def accept(
        self, order: ActiveRequest, at: datetime, home: HomeMode | None = None
    ) -> None:
        """Hold what the vendor has accepted at an instant, in the place of what was before.

        `home` is the home's mode then.
        """
        self.drop(order)
        self._forget_doubts()
        self._forget_failures()
        self.active = replace(order, accepted_at=at, home=home)
        self._confirmed = False
        self._shows_active = True

    def drop(self, order: ActiveRequest) -> None:
        """Forget an order that is under way; nothing where it is not."""
        self._under_way = [known for known in self._under_way if known is not order]

    def doubt(self, order: ActiveRequest, at: datetime) -> None:
        """Show what was before an order of which nobody knows at an instant what came.

        What the vendor says later tells; nothing where the order is not under way.
        """
        if any(known is order for known in self._under_way):
            self.drop(order)
            self._unsure = (order, *self._unsure)
            self._unsure_since = at

    def begin_renewal(self, plan: SetpointPlan) -> ActiveRequest:
        """Note that a request that is active is being sent again; end it with `end_renewal`."""
        home = None if self.active is None else self.active.home
        self._renewal = ActiveRequest(plan=plan, home=home)
        return self._renewal

    def end_renewal(
        self,
        renewal: ActiveRequest,
        *,
        accepted_at: datetime | None = None,
        failed_at: datetime | None = None,
        unsure: bool = False,
    ) -> None:
        """Go on with what was sent again where the vendor accepted it.

        After a failure nothing is sent again for a while. `unsure` says that nobody knows
        what came of it. Nothing where the renewal is not under way (any more).
        """
        if self._renewal is not renewal:
            return
        self._renewal = None
        if accepted_at is not None:
            self.active = replace(renewal, accepted_at=accepted_at)
            self._doubtful = None
            self._forget_failures()
        elif failed_at is not None:
            self._failed_at = failed_at
            self._wait = min(max(SHORTEST_WAIT, 2 * self._wait), LONGEST_WAIT)
        if unsure:
            self._doubtful = renewal

    def cancel_renewal(self) -> bool:
        """End a renewal, which may have arrived; return whether one was under way."""
        if self._renewal is None:
            return False
        self.end_renewal(self._renewal, unsure=True)
        return True

    def give_up(self) -> None:
        """Hold nothing any more."""
        self.active = None
        self._forget_doubts()

    def take(
        self, report: RoomReport, room: RoomSituation, now: datetime
    ) -> SetpointPlan | None:
        """Take what the vendor says; return what is to be sent again now.

        A report that is not fresh proves what was changed elsewhere, and nothing else.
        """
        if report.mode is None:
            return None
        fresh = now - report.asked_at <= FRESH
        if self._unsure and fresh and not self._recall(report, now):
            return None
        self._shows_active = True
        if self._unsure or (active := self._renewed(report)) is None:
            return None
        verdict = judged(active, report, now)
        if verdict in {Verdict.CHANGED, Verdict.ENDED}:
            self.give_up()
            return None
        if verdict is Verdict.CONFIRMED:
            self._confirmed = True
            if active.request.mode is SetpointMode.SCHEDULE:
                self.active = None
                return None
        if self.busy or not fresh or self._waits(now):
            return None
        return next_plan(active, verdict, room, now)

    def _recall(self, report: RoomReport, now: datetime) -> bool:
        """Find out which of several requests the room follows; return whether that is known.

        A clock that was set back leaves no doubt for ever.
        """
        since = self._unsure_since
        if since is not None and since <= now:
            if report.asked_at <= since:
                return False
            arrived = any(
                agrees(active.plan.command, report) for active in self._unsure
            )
            if not arrived and report.asked_at < since + SETTLING:
                return False
        known = (*self._unsure, self._doubtful, self.active)
        self.active = recalled(
            (active for active in known if active is not None), report, now
        )
        self._forget_doubts()
        self._confirmed = True
        return True

    def _renewed(self, report: RoomReport) -> ActiveRequest | None:
        """Return what is active; that is its doubtful renewal where the room follows that."""
        active, renewal = self.active, self._doubtful
        if active is None or renewal is None:
            return active
        if not agrees(active.plan.command, report) and agrees(
            renewal.plan.command, report
        ):
            self.active = active = replace(renewal, accepted_at=active.accepted_at)
            self._doubtful = None
            self._forget_failures()
        return active

    def _waits(self, now: datetime) -> bool:
        """Return whether it is too early to send anything again."""
        failed_at = self._failed_at
        return failed_at is not None and failed_at <= now < failed_at + self._wait

    def _forget_failures(self) -> None:
        """Send again what is due when it is due."""
        self._failed_at = None
        self._wait = timedelta()

    def _forget_doubts(self) -> None:
        """Know what the room is set to."""
        self._unsure = ()
        self._unsure_since = None
        self._doubtful = None

    def restore(self, stored: Iterable[Mapping[str, Any]]) -> None:
        """Take up what an earlier run has stored; what cannot be read is left out."""
        found = []
        for data in stored:
            try:
                found.append(ActiveRequest.from_data(data))
            except KeyError, TypeError, ValueError:
                continue
        self._confirmed = True
        if len(found) == 1 and found[0].accepted_at is not None:
            self.active = found[0]
        else:
            self._unsure = tuple(found)

    def stored(self) -> list[dict[str, Any]]:
        """Return what the next run needs: what the room may be set to, the newest first."""
        known = (
            *reversed(self._under_way),
            *self._unsure,
            self._renewal,
            self._doubtful,
            self.active,
        )
        return [active.as_data() for active in known if active is not None]
