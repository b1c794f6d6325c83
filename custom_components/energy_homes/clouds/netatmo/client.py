"""The Netatmo Energy cloud, as it answers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any, Final, Protocol, override

import aiohttp
from yarl import URL

from ...heating.model import HomeMode
from ...heating.netatmo.model import FOREVER, RoomCall
from ...heating.netatmo.plan import RoomCommand
from ..exchange import exchange
from ..retry_after import retry_after
from . import parse
from .errors import (
    NOTHING_TO_MODIFY,
    CloudRefusedError,
    CloudTokenExpiredError,
    check_reply,
)
from .models import HomesData, HomeStatus, MeasurePoint, MeasureScale

MAX_POINTS: Final = 1024
"""The most points that one call for a series returns."""

HISTORY_METHODS: Final = frozenset({"getroommeasure", "getmeasure"})
"""What tells of the past."""

_HOME_MODES: Final = {
    HomeMode.SCHEDULE: "schedule",
    HomeMode.AWAY: "away",
    HomeMode.FROST_GUARD: "hg",
}


class TokenProvider(Protocol):
    """Where a client gets its access token; both raise CloudError by kind."""

    async def __call__(self) -> str:
        """Return an access token that is valid as far as is known."""

    async def force_refresh(self, refused: str) -> str:
        """Return another token than `refused`, which the cloud did not take.

        Refreshes only where `refused` is still the newest: of several calls that were
        refused together the first refreshes and the others get what it got.
        """


class NetatmoClient:
    """Asks and orders one account of the Netatmo cloud.

    Every method is one call, and a second one only where the access token was not taken and
    has been refreshed. Every method raises CloudAuthError (credentials refused;
    CloudTokenExpiredError: also a fresh token), CloudQuotaError, CloudOutageError,
    CloudNonsenseError, or CloudRequestError (CloudRefusedError with the vendor's code where
    it understood), and what the token provider raises. The token is in a header of the
    requests and nowhere else.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token_provider: TokenProvider,
        base_url: str,
        *,
        on_call: Callable[[str], None] | None = None,
        timeout_s: float = 10,
    ) -> None:
        """Talk to `base_url` (scheme, host, port).

        `on_call` hears the method of each request that is about to be sent, repeated ones
        too, for counting.
        """
        self._session = session
        self._tokens = token_provider
        self._base_url = base_url
        self._on_call = on_call
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    @override
    def __repr__(self) -> str:
        """Return the client without its token."""
        return f"<{type(self).__name__}>"

    async def homes(self, home_id: str | None = None) -> HomesData:
        """Return the account's homes, or one, with rooms and schedules (homesdata)."""
        form = {} if home_id is None else {"home_id": home_id}
        return parse.homes_data(await self._call("homesdata", form))

    async def status(self, home_id: str) -> HomeStatus:
        """Return what a home does now (homestatus)."""
        reply = await self._call("homestatus", {"home_id": home_id})
        return parse.home_status(reply, home_id)

    async def set_home_mode(
        self,
        home_id: str,
        mode: HomeMode,
        *,
        until: datetime | None = None,
        schedule_id: str | None = None,
    ) -> bool:
        """Put a whole home into a mode (setthermmode), which ends every room's setpoint.

        `until` (aware) is for away and frost guard, `schedule_id` for schedule. Returns
        False where the home was so already.
        """
        form = {"home_id": home_id, "mode": _HOME_MODES[mode]}
        if until is not None:
            form["endtime"] = str(_seconds(until))
        if schedule_id is not None:
            form["schedule_id"] = schedule_id
        return await self._order("setthermmode", form)

    async def switch_schedule(self, home_id: str, schedule_id: str) -> bool:
        """Select a home's schedule (switchhomeschedule); False where it was already."""
        return await self._order(
            "switchhomeschedule", {"home_id": home_id, "schedule_id": schedule_id}
        )

    async def set_room(self, home_id: str, command: RoomCommand) -> bool:
        """Drive one room (setroomthermpoint, or setstate where the room wants it).

        Returns False where the room was so already.
        """
        if command.call is RoomCall.SETSTATE:
            return await self._order("setstate", document=_state(home_id, command))
        form = {
            "home_id": home_id,
            "room_id": command.room_id,
            "mode": command.mode.value,
        }
        if command.temperature is not None:
            form["temp"] = f"{command.temperature:g}"
        if command.until is not None:
            form["endtime"] = str(_seconds(command.until))
        return await self._order("setroomthermpoint", form)

    async def room_series(
        self,
        home_id: str,
        room_id: str,
        types: Sequence[str],
        scale: MeasureScale,
        start: datetime,
        end: datetime,
        *,
        limit: int = MAX_POINTS,
        real_time: bool = True,
    ) -> tuple[MeasurePoint, ...]:
        """Return a room's series in `[start, end)`, aware (getroommeasure).

        `types` are the vendor's (temperature, min_temp, max_temp, sp_temperature: °C), a
        point has their values in that order. Stamps are the beginnings of steps that begin
        at `start`, with `real_time` False their middles. At most `limit` points, the
        vendor's most is MAX_POINTS. Steps of which the vendor knows nothing are left out.
        """
        form = {
            "home_id": home_id,
            "room_id": room_id,
            **_series(types, scale, start, end, limit, real_time),
        }
        found = parse.measure(await self._call("getroommeasure", form))
        return tuple(point for point in found if start <= point.at < end)

    async def series(
        self,
        gateway_id: str,
        module_id: str,
        types: Sequence[str],
        scale: MeasureScale,
        start: datetime,
        end: datetime,
        *,
        limit: int = MAX_POINTS,
        real_time: bool = True,
    ) -> tuple[MeasurePoint, ...]:
        """Return a module's series in `[start, end)`, aware (getmeasure).

        Like `room_series`; boiler types (boileron, sum_boiler_on) are in seconds.
        """
        form = {
            "device_id": gateway_id,
            "module_id": module_id,
            **_series(types, scale, start, end, limit, real_time),
        }
        found = parse.measure(await self._call("getmeasure", form))
        return tuple(point for point in found if start <= point.at < end)

    async def _order(
        self,
        method: str,
        form: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> bool:
        """Send a command; return whether it changed anything."""
        try:
            reply = await self._call(method, form, document)
        except CloudRefusedError as err:
            if err.code != NOTHING_TO_MODIFY:
                raise
            return False
        parse.check_accepted(method, reply)
        return True

    async def _call(
        self,
        method: str,
        form: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the reply to a method, with a fresh token where the first is not taken."""
        token = await self._tokens()
        try:
            return await self._send(method, token, form, document)
        except CloudTokenExpiredError:
            pass
        token = await self._tokens.force_refresh(token)
        return await self._send(method, token, form, document)

    async def _send(
        self,
        method: str,
        token: str,
        form: Mapping[str, str] | None,
        document: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Send one request; return the reply that reports no error."""
        if self._on_call is not None:
            self._on_call(method)
        # A redirect leads to a page for people, and would carry the token elsewhere.
        status, headers, body = await exchange(
            method,
            lambda: self._session.post(
                URL(self._base_url) / "api" / method,
                data=form,
                json=document,
                headers={"Authorization": f"Bearer {token}"},
                timeout=self._timeout,
                allow_redirects=False,
            ),
        )
        # A vendor that quotes the request in its answer must not give the token away.
        safe = body.replace(token.encode(), b"**") if token else body
        return check_reply(
            method, status, safe, retry_after(headers.get("Retry-After"))
        )


def _state(home_id: str, command: RoomCommand) -> dict[str, Any]:
    """Return the document that drives one room through setstate."""
    room: dict[str, Any] = {
        "id": command.room_id,
        "therm_setpoint_mode": command.mode.value,
    }
    if command.temperature is not None:
        room["therm_setpoint_temperature"] = command.temperature
    if command.until is not None:
        room["therm_setpoint_end_time"] = _seconds(command.until)
    return {"home": {"id": home_id, "rooms": [room]}}


def _series(
    types: Sequence[str],
    scale: MeasureScale,
    start: datetime,
    end: datetime,
    limit: int,
    real_time: bool,
) -> dict[str, str]:
    """Return the parameters of a call for a series."""
    return {
        "type": ",".join(types),
        "scale": scale.value,
        "date_begin": str(_seconds(start)),
        "date_end": str(_seconds(end)),
        "limit": str(min(limit, MAX_POINTS)),
        "optimize": "true",
        "real_time": str(real_time).lower(),
    }


def _seconds(at: datetime) -> int:
    """Return an instant in the vendor's epoch seconds, never before it."""
    return ceil(min(at, FOREVER).timestamp())
