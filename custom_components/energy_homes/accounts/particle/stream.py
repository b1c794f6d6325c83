"""The stream of an account's events: kept open for as long as the token is good."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
import logging
from random import Random
from typing import Final

from homeassistant.util import dt as dt_util

from ...clouds.errors import CloudAuthError, CloudError, CloudQuotaError
from ...clouds.particle.client import ParticleCall, ParticleClient
from ...clouds.particle.models import EventBatch
from ..backoff import Backoff
from ..conversation import Conversation
from ..registry import AccountState
from .budget import ParticleBudget

_LOGGER = logging.getLogger(__name__)

STEADY_AFTER: Final = timedelta(seconds=30)
"""A stream that lived for so long is no part of a row of failures."""

_STREAM_WAIT: Final = (timedelta(seconds=1), timedelta(minutes=5))


class EventStream:
    """Opens one stream after the other, and hands on what they bring.

    `is_open` says whether events come in now; `last_heard` is when a stream last brought
    anything (aware, UTC), None before the first time. `time_s` is the loop's own clock.
    """

    def __init__(
        self,
        client: ParticleClient,
        budget: ParticleBudget,
        conversation: Conversation,
        random: Random,
        *,
        name: str,
        time_s: Callable[[], float],
        on_open: Callable[[], None],
        on_batch: Callable[[EventBatch], None],
        on_refused: Callable[[], None],
    ) -> None:
        """Prepare to listen; `on_refused` is called where the token is good no more."""
        self.is_open = False
        self.last_heard: datetime | None = None
        self._client = client
        self._budget = budget
        self._conversation = conversation
        self._wait = Backoff(*_STREAM_WAIT, random)
        self._open_at_s = 0.0
        self._name = name
        self._time_s = time_s
        self._on_open = on_open
        self._on_batch = on_batch
        self._on_refused = on_refused

    async def async_listen(self) -> None:
        """Keep one stream open for as long as the token is good."""
        while self._conversation.state is not AccountState.AUTH:
            await self._async_wait_to_open()
            opened_s = self._time_s()
            try:
                with self._budget.streaming():
                    await self._async_stream()
                # Whoever is not let in any more is not told so on an open stream.
                await self._client.token_info()
                _LOGGER.debug("The stream of %s was ended", self._name)
            except CloudAuthError:
                self._on_refused()
                self._conversation.refused_to_stream()
                return
            except CloudQuotaError as err:
                self._conversation.wait_for_quota(err)
            except CloudError as err:
                self._broken(err)
            finally:
                was_open, self.is_open = self.is_open, False
            lived = timedelta(seconds=self._time_s() - opened_s)
            if was_open and lived >= STEADY_AFTER:
                self._wait.reset()
            self._open_at_s = self._time_s() + self._wait.next().total_seconds()

    async def _async_wait_to_open(self) -> None:
        """Wait until a stream may be opened, by our own patience and by the limits."""
        while True:
            now_s = self._time_s()
            wait = max(
                timedelta(seconds=self._open_at_s - now_s),
                self._conversation.patience.wait(now_s),
                self._budget.wait(ParticleCall.STREAM, dt_util.utcnow()),
            )
            if wait <= timedelta():
                return
            await asyncio.sleep(wait.total_seconds())

    async def _async_stream(self) -> None:
        """Hand on what one stream brings until it ends; raises CloudError by kind.

        One that is let in and then says nothing at all, no keep-alive either, is not open.
        """
        async with aclosing(self._client.events()) as stream:
            await anext(stream)
            async for batch in stream:
                self.last_heard = dt_util.utcnow()
                if not self.is_open:
                    self.is_open = True
                    self._conversation.answered()
                    self._on_open()
                self._on_batch(batch)

    def _broken(self, err: CloudError) -> None:
        """Note that a stream broke; the cloud is away once none can be opened."""
        if self.is_open:
            _LOGGER.debug("The stream of %s broke: %s", self._name, err)
        else:
            self._conversation.lost_stream(err)
