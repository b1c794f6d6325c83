"""How an account's conversation with its cloud goes, and what follows from each kind of trouble."""

from collections.abc import Callable
from logging import Logger
from typing import NoReturn

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.update_coordinator import UpdateFailed

from ..clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudQuotaError,
)
from ..const import DOMAIN
from .patience import Patience
from .registry import AccountState


class Conversation:
    """An account's state, and the way from each kind of trouble to the next one.

    Four kinds are told apart: refused credentials need a person, a reached call limit is
    waited for with what is known, an outage is waited for without, and an answer that makes
    no sense is skipped until there are too many. What lasts is logged once: an outage by the
    coordinator, to which UpdateFailed is raised, a call limit and the loss of a stream here.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        logger: Logger,
        patience: Patience,
        *,
        auth_key: str = "account_auth",
        on_change: Callable[[], None] | None = None,
    ) -> None:
        """Begin before the first call.

        `auth_key` is the translation key of refused credentials; `on_change` is called when
        the state has changed.
        """
        self.state = AccountState.STARTING
        self.patience = patience
        self._hass = hass
        self._entry = entry
        self._logger = logger
        self._name = entry.title
        self._auth_key = auth_key
        self._on_change = on_change
        self._stream_lost = False

    @property
    def holds(self) -> bool:
        """Return whether what the account said last still holds."""
        return self.state in {AccountState.CONNECTED, AccountState.QUOTA}

    @callback
    def answered(self) -> None:
        """Note an answer that makes sense: failures begin to count anew."""
        self.patience.answered(self._now_s)
        self.resume()

    @callback
    def resume(self) -> None:
        """Note that the cloud answers, whatever it says."""
        self.patience.end_wait()
        if self.state is AccountState.QUOTA:
            self._logger.info("%s answers again after its call limit", self._name)
        elif self._stream_lost:
            self._logger.info("%s answers again", self._name)
        self._enter(AccountState.CONNECTED)

    @callback
    def failed(self, err: CloudError) -> None:
        """Note a call that failed, by its kind.

        Raises ConfigEntryAuthFailed for refused credentials and UpdateFailed for an outage,
        also where there is too much nonsense.
        """
        match err:
            case CloudAuthError():
                self.refused(err)
            case CloudQuotaError():
                self.wait_for_quota(err)
            case CloudNonsenseError() if self.patience.bears_nonsense() and self.holds:
                self._logger.debug("Answer of %s skipped: %s", self._name, err)
                self.resume()
            case _:
                self.away(err)

    @callback
    def wait_for_quota(self, err: CloudQuotaError) -> None:
        """Wait as long as the vendor asks, or longer and longer."""
        self.patience.wait_for_quota(self._now_s, err.retry_after)
        self.limited(str(err))

    @callback
    def limited(self, reason: str) -> None:
        """Note that a call limit is reached."""
        if self.state is not AccountState.QUOTA:
            self._logger.warning(
                "%s has reached its call limit (%s), waiting", self._name, reason
            )
        self._enter(AccountState.QUOTA)

    @callback
    def refused(self, err: CloudError | None = None) -> NoReturn:
        """Note that the credentials are refused; raises ConfigEntryAuthFailed."""
        self._enter(AccountState.AUTH)
        raise ConfigEntryAuthFailed(
            translation_domain=DOMAIN,
            translation_key=self._auth_key,
            translation_placeholders={"account": self._entry.title},
        ) from err

    @callback
    def refused_to_stream(self) -> None:
        """Ask a person for credentials; no coordinator is there that would."""
        self._enter(AccountState.AUTH)
        self._entry.async_start_reauth(self._hass)

    @callback
    def away(self, err: CloudError) -> NoReturn:
        """Note that the cloud is away; raises UpdateFailed."""
        self.begin_outage()
        self.still_away(str(err), err)

    @callback
    def still_away(self, reason: str, err: CloudError | None = None) -> NoReturn:
        """Raise UpdateFailed: an outage goes on."""
        raise UpdateFailed(
            translation_domain=DOMAIN,
            translation_key="account_outage",
            translation_placeholders={"account": self._entry.title, "reason": reason},
        ) from err

    @callback
    def begin_outage(self) -> None:
        """Wait longer from attempt to attempt."""
        self._enter(AccountState.OUTAGE)
        self.patience.wait_after_failure(self._now_s)

    @callback
    def go_on_with_care(self) -> None:
        """Treat a failure that nobody foresaw, and that is logged by now, as an outage."""
        if self.state is not AccountState.AUTH and not self.patience.wait(self._now_s):
            self.begin_outage()

    @callback
    def lost_stream(self, err: CloudError) -> None:
        """Note that no stream can be opened, which no coordinator would log."""
        if self.state is not AccountState.OUTAGE:
            self._logger.warning("%s cannot be listened to: %s", self._name, err)
        self._stream_lost = True
        self._enter(AccountState.OUTAGE)

    @property
    def _now_s(self) -> float:
        """Return the present instant on the loop's own clock."""
        return self._hass.loop.time()

    @callback
    def _enter(self, state: AccountState) -> None:
        """Go on in a state."""
        if state is self.state:
            return
        self.state = state
        self._stream_lost = self._stream_lost and state is AccountState.OUTAGE
        if self._on_change is not None:
            self._on_change()
