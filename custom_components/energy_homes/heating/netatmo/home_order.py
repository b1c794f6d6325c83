"""A mode or a schedule that was asked of a whole home, until the vendor tells it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ..model import HomeMode
from .active import SETTLING
from .outlook import HomeOutlook
from .schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOrder:
    """What was asked: a mode with its end (UTC), a schedule, or both; None for no change."""

    mode: HomeMode | None = None
    until: datetime | None = None
    schedule: Schedule | None = None

    def applied(self, outlook: HomeOutlook) -> HomeOutlook:
        """Return what a home does by itself once the order is carried out."""
        if self.mode is not None:
            outlook = replace(outlook, mode=self.mode, mode_end=self.until)
        if self.schedule is not None:
            outlook = replace(outlook, schedule=self.schedule)
        return outlook

    def shows_in(self, outlook: HomeOutlook, at: datetime) -> bool:
        """Return whether the vendor tells what was asked."""
        if self.mode is not None and outlook.mode_at(at) is not self.mode:
            return False
        if self.schedule is None:
            return True
        return (
            outlook.schedule is not None
            and outlook.schedule.schedule_id == self.schedule.schedule_id
        )


class HomeOrders:
    """The orders of a home that the vendor does not tell yet, in the order of asking."""

    def __init__(self) -> None:
        """Begin without an order."""
        self._orders: list[HomeOrder] = []
        self._accepted: dict[int, datetime] = {}

    @property
    def under_way(self) -> bool:
        """Return whether an order is not answered yet."""
        return len(self._accepted) < len(self._orders)

    def begin(self, order: HomeOrder) -> None:
        """Show what was asked."""
        self._orders.append(order)

    def accept(self, order: HomeOrder, at: datetime) -> None:
        """Note when the vendor accepted an order."""
        self._accepted[id(order)] = at

    def drop(self, order: HomeOrder) -> None:
        """Forget an order that was not accepted; nothing where it was."""
        if id(order) not in self._accepted:
            self._keep(known for known in self._orders if known is not order)

    def reported(self, outlook: HomeOutlook, asked_at: datetime) -> None:
        """Take what the vendor reported when asked: what it confirms, or should, is over."""
        self._keep(
            order
            for order in self._orders
            if (accepted := self._accepted.get(id(order))) is None
            or asked_at <= accepted
            or (
                asked_at < accepted + SETTLING and not order.shows_in(outlook, asked_at)
            )
        )

    def applied(self, outlook: HomeOutlook) -> HomeOutlook:
        """Return what the home does by itself once all orders are carried out."""
        for order in self._orders:
            outlook = order.applied(outlook)
        return outlook

    def clear(self) -> None:
        """Forget all orders."""
        self._keep(())

    def _keep(self, orders: Iterable[HomeOrder]) -> None:
        """Forget all but some orders."""
        self._orders = list(orders)
        kept = {id(order) for order in self._orders}
        self._accepted = {k: at for k, at in self._accepted.items() if k in kept}
