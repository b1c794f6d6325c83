"""What homes are told of an account's homes at Netatmo: how each is, once that is news."""

from collections.abc import Iterable
import logging
from typing import Final

from homeassistant.core import callback

from ..conversation import Conversation
from ..isolation import isolated
from ..registry import Accounts, AccountState, HeatingUpdate
from .heard import HeardHomes
from .plan import PollPlan

_LOGGER = logging.getLogger(__name__)

HOME_IS_AWAY: Final = 4
"""A home that cannot be asked so often in a row is away, though the account is not."""


class HomeReports:
    """Publishes homes of which there is news, all of them where the account's state is."""

    def __init__(
        self,
        accounts: Accounts,
        key: str,
        name: str,
        heard: HeardHomes,
        plan: PollPlan,
        conversation: Conversation,
    ) -> None:
        """Prepare to report for the account of a key; its name is for the log."""
        self._accounts = accounts
        self._key = key
        self._name = name
        self._heard = heard
        self._plan = plan
        self._conversation = conversation
        self._news: set[str] = set()
        self._told_state: AccountState | None = None

    @callback
    def begin(self) -> None:
        """Go on from what homes find when the account is attached."""
        self._told_state = self._conversation.state

    @callback
    def update(self, home_id: str) -> HeatingUpdate:
        """Return the present state of one home."""
        state = self._conversation.state
        if self._conversation.holds and self._plan.failures(home_id) >= HOME_IS_AWAY:
            state = AccountState.OUTAGE
        return self._heard.update(home_id, state)

    @callback
    def note(self, home_ids: Iterable[str]) -> None:
        """Have homes told when it is time to."""
        self._news.update(home_ids)

    @callback
    def tell(self) -> None:
        """Tell homes what is new of them."""
        news, self._news = self._news, set()
        if self._conversation.state is not self._told_state:
            self._told_state = self._conversation.state
            news |= self._accounts.followed(self._key)
        for home_id in news:
            with isolated(
                _LOGGER, "A home did not take what %s said of it", self._name
            ):
                self._accounts.publish_heating(self._key, home_id, self.update(home_id))
