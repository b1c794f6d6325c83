"""A board's readings pushed on: at midnight, when it asks for that, when somebody does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
import logging
from typing import Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..accounts.pulse_board.channel import BoardChannel
from ..accounts.pulse_board.hub import PulseBoardHub
from ..accounts.registry import DATA_ACCOUNTS
from ..boards.nightly import LATEST, missed_nights, next_midnight
from ..boards.options import BoardOptions
from ..clouds.errors import CloudError, CloudOutageError
from ..clouds.sheet import PushRefusedError, push
from ..const import DOMAIN, EntryKind
from ..homes.directory import home_entries, meter_sources
from ..homes.inventory import account_entries, async_zone

_LOGGER = logging.getLogger(__name__)

STORE_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class NamedReading:
    """What a meter shows in kWh; None where it has not said yet."""

    name: str
    reading: float | None


async def async_push(
    hass: HomeAssistant, address: str, readings: Sequence[NamedReading]
) -> int:
    """Push readings on in their order; return the status that the receiver answered.

    Raises HomeAssistantError, translated and without the address, where a meter has no
    reading (then nothing is pushed), or where the receiver does not take them.
    """
    if without := [one.name for one in readings if one.reading is None]:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="push_no_reading",
            translation_placeholders={"meters": ", ".join(without)},
        )
    values = [one.reading for one in readings if one.reading is not None]
    try:
        return await push(async_get_clientsession(hass), address, values)
    except CloudError as err:
        failure = _failure(err)
    raise failure


def _failure(err: CloudError) -> HomeAssistantError:
    """Return what is told of readings that did not arrive, or may not have."""
    if isinstance(err, PushRefusedError):
        return HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="push_refused",
            translation_placeholders={"status": str(err.status)},
        )
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=(
            "push_outage" if isinstance(err, CloudOutageError) else "push_address"
        ),
        translation_placeholders={"reason": str(err)},
    )


@callback
def board_readings(hub: PulseBoardHub) -> tuple[NamedReading, ...]:
    """Return what the meters of a board show, in the order of its channels."""
    return tuple(
        NamedReading(
            f"{hub.config.channel(number).name} ({hub.title})",
            BoardChannel(hub, number).view.known_reading,
        )
        for number in sorted(hub.book.channels)
    )


@callback
def board_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the entries of all boards, loaded or not."""
    return account_entries(hass, EntryKind.PULSE_BOARD)


@callback
def board_push_url(entry: ConfigEntry) -> str | None:
    """Return where a board's readings are pushed to, as somebody has set it."""
    return BoardOptions.from_data(entry.options).push_url


@callback
def loaded_board(hass: HomeAssistant, entry: ConfigEntry) -> PulseBoardHub | None:
    """Return the hub of a board, None where it is not loaded."""
    hub = hass.data[DATA_ACCOUNTS].get(entry.unique_id or "")
    return hub if isinstance(hub, PulseBoardHub) else None


class BoardPush:
    """Pushes the readings of one board to the address that somebody has set for it.

    A board may ask for that, never say where to. A night is pushed at most once; one that
    went by meanwhile is only told of, as the readings are not those of midnight any more.
    """

    def __init__(
        self, hass: HomeAssistant, hub: PulseBoardHub, options: BoardOptions
    ) -> None:
        """Prepare for a board that is started."""
        self._hass = hass
        self._hub = hub
        self._options = options
        self._store = _nights(hass, hub.key)
        self._under_way = False
        self._stopped = False
        self._looks = 0
        self._unsubscribe: list[CALLBACK_TYPE] = []
        self._timer: CALLBACK_TYPE | None = None
        self._zone: tzinfo = dt_util.get_default_time_zone()

    @property
    def _nightly(self) -> str | None:
        """Return the address of every night, None where there is none."""
        return self._options.push_url if self._options.push_nightly else None

    async def async_start(self) -> None:
        """Push when it is time, or when the board asks."""
        self._unsubscribe.append(self._hub.hearing.push_asked.add(self._asked))
        if self._nightly is None:
            await self._store.async_remove()
            return
        await self._async_schedule()
        await self._async_begin_nights()
        self._unsubscribe.append(
            async_dispatcher_connect(
                self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
            )
        )

    @callback
    def async_stop(self) -> None:
        """Push no more."""
        self._stopped = True
        while self._unsubscribe:
            self._unsubscribe.pop()()
        self._cancel()

    @callback
    def _cancel(self) -> None:
        """Wait for no midnight."""
        if self._timer is not None:
            self._timer()
            self._timer = None

    async def _async_begin_nights(self) -> None:
        """Tell of nights that went by while nobody could push."""
        now = dt_util.utcnow()
        if (stored := await self._store.async_load()) is not None:
            self._tell_missed(
                missed_nights(date.fromisoformat(stored), now, self._zone)
            )
        await self._async_deal_with(now)

    def _tell_missed(self, nights: Iterable[date]) -> None:
        """Tell of nights whose readings nobody gets any more."""
        if days := [night.isoformat() for night in nights]:
            _LOGGER.warning(
                "The readings of %s were not pushed at midnight of %s, when Home "
                "Assistant or the board's entry did not run",
                self._hub.title,
                ", ".join(days),
            )

    async def _async_deal_with(self, now: datetime) -> None:
        """Note on disk that the night before an instant is dealt with."""
        await self._store.async_save(now.astimezone(self._zone).date().isoformat())

    @callback
    def _entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Look again when midnight is after a home has come, changed or gone."""
        if entry.domain == DOMAIN:
            self._hass.async_create_task(
                self._async_schedule(), f"{self._hub.title} midnight"
            )

    async def _async_schedule(self) -> None:
        """Wait for the next midnight of the home that the board is in."""
        self._looks += 1
        look = self._looks
        zone = await self._async_home_zone()
        if self._stopped or look != self._looks:
            # Somebody who has begun to look later knows better.
            return
        self._zone = zone
        self._cancel()
        due = next_midnight(dt_util.utcnow(), self._zone)

        @callback
        def midnight(now: datetime) -> None:
            """Push what is shown now."""
            self._timer = None
            self._hass.async_create_task(
                self._async_night(due), f"{self._hub.title} nightly push"
            )

        job = HassJob(midnight, "nightly push", cancel_on_shutdown=True)
        self._timer = async_track_point_in_utc_time(self._hass, job, due)

    async def _async_home_zone(self) -> tzinfo:
        """Return the time zone of the home that has the board's first channel of any."""
        sources = meter_sources(self._hass)
        now = dt_util.utcnow()
        owners = {
            (int(str(revision.hardware_id)), entry_id)
            for (entry_id, _), source in sources.items()
            for revision in [source.current(now)]
            if revision.account == self._hub.key
        }
        for entry in home_entries(self._hass):
            if owners and entry.entry_id == min(owners)[1]:
                return await async_zone(entry)
        return dt_util.get_default_time_zone()

    async def _async_night(self, due: datetime) -> None:
        """Push the readings of midnight once, unless it is too late for that."""
        readings = board_readings(self._hub)
        now = dt_util.utcnow()
        await self._async_deal_with(now)
        if now - due > LATEST:
            self._tell_missed([due.astimezone(self._zone).date()])
        elif self._nightly is not None:
            await self._async_try(self._nightly, readings)
        await self._async_schedule()

    @callback
    def _asked(self) -> None:
        """Push because the board asks for it: one at a time, and only to where people say."""
        if self._options.push_url is None:
            self._hub.hearing.counts["push_without_address"] += 1
            return
        if self._under_way:
            self._hub.hearing.counts["push_under_way"] += 1
            return
        self._hass.async_create_task(
            self._async_try(self._options.push_url, board_readings(self._hub)),
            f"{self._hub.title} push",
        )

    async def _async_try(self, address: str, readings: Sequence[NamedReading]) -> None:
        """Push; what goes wrong is told in the log."""
        self._under_way = True
        try:
            await async_push(self._hass, address, readings)
        except HomeAssistantError as err:
            _LOGGER.warning(
                "The readings of %s were not pushed on: %s", self._hub.title, err
            )
        finally:
            self._under_way = False


def _nights(hass: HomeAssistant, key: str) -> Store[str]:
    """Return where it is stored which night of a board was dealt with last."""
    return Store(hass, STORE_VERSION, f"{DOMAIN}.push.{key}")


async def async_forget_nights(hass: HomeAssistant, key: str) -> None:
    """Forget which nights were dealt with, once a board is removed."""
    await _nights(hass, key).async_remove()
