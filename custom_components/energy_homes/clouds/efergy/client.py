"""The Efergy cloud (Engage, energyhive), as it answers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, override

import aiohttp
from yarl import URL

from ..errors import (
    CloudAuthError,
    CloudError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from ..exchange import exchange
from ..retry_after import retry_after
from . import parse
from .models import (
    CurrentValue,
    EnergyPeriod,
    EnergySum,
    Household,
    InstantValue,
    MeterHistory,
    SeriesPoint,
)

_PROXY: Final = "mobile_proxy"


class EfergyClient:
    """Asks one account of the Efergy cloud; every method is one call, never repeated.

    Every method raises CloudAuthError (token refused), CloudQuotaError (call limit reached),
    CloudOutageError (unreachable or out of order), CloudNonsenseError (a reply that makes no
    sense) or CloudRequestError (parameters refused). The token is in the query of the
    requests themselves and nowhere else: aiohttp's exceptions hold URLs, so that none of
    them is passed on, not even as a cause.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        base_url: str,
        *,
        time_zone: Callable[[], tzinfo],
        timeout_s: float = 10,
    ) -> None:
        """Talk to `base_url` (scheme, host, port) with a token.

        Days of the vendor's sums begin at midnight of what `time_zone` returns at each call.
        """
        self._session = session
        self._token = token
        self._base_url = base_url
        self._time_zone = time_zone
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    @override
    def __repr__(self) -> str:
        """Return the client without its token."""
        return f"<{type(self).__name__}>"

    async def status(self) -> Household:
        """Return the household behind the token (getStatus)."""
        return parse.household(await self._call("getStatus"))

    async def current_values(self) -> tuple[CurrentValue, ...]:
        """Return every meter's newest power in W (getCurrentValuesSummary)."""
        return parse.current_values(await self._call("getCurrentValuesSummary"))

    async def instant(self) -> InstantValue:
        """Return the household's newest power in W (getInstant)."""
        return parse.instant(await self._call("getInstant"))

    async def energy(self, start: datetime, end: datetime) -> EnergySum:
        """Return the household's energy in `[start, end)`, aware, to whole seconds, in kWh."""
        return parse.energy_sum(
            await self._call("getEnergy", {"period": "custom", **_span(start, end)})
        )

    async def energy_period(self, period: EnergyPeriod) -> EnergySum:
        """Return the household's energy in the present day, week, month or year, in kWh."""
        return parse.energy_sum(await self._call("getEnergy", {"period": period.value}))

    async def series(
        self,
        start: datetime,
        end: datetime,
        *,
        aggregate_period: str = "minute",
        aggregate: str = "sum",
    ) -> tuple[SeriesPoint, ...]:
        """Return the household's series in `[start, end)`, aware (getTimeSeries)."""
        return parse.series(
            await self._call(
                "getTimeSeries",
                {
                    **_span(start, end),
                    "aggPeriod": aggregate_period,
                    "aggFunc": aggregate,
                },
            )
        )

    async def period_series(self, period: EnergyPeriod) -> tuple[SeriesPoint, ...]:
        """Return the household's present day, week, month or year in kWh.

        The steps are minutes, hours, days and months (getDay, getWeek, getMonth, getYear).
        """
        return parse.series(await self._call(f"get{period.value.capitalize()}"))

    async def history(
        self,
        start: datetime,
        end: datetime,
        *,
        sid: str | None = None,
        kind: str = "PWER",
        aggregate_period: str = "minute",
        aggregate: str = "sum",
    ) -> tuple[MeterHistory, ...]:
        """Return the series of one meter or of all in `[start, end)`, aware (getHV).

        `kind` is the meters' cid. Numbers of unit "Wm" are watt-minutes.
        """
        params = {
            "period": "custom",
            "type": kind,
            "aggPeriod": aggregate_period,
            "aggFunc": aggregate,
            **_span(start, end),
        }
        if sid is not None:
            params["sid"] = sid
        found = parse.history(await self._call("getHV", params))
        return tuple(meter for meter in found if sid in {None, meter.sid})

    async def first_data(self) -> datetime | None:
        """Return when the household's data begin, UTC; None where the vendor has none."""
        return parse.first_data(await self._call("getFirstData"))

    def _offset(self) -> int:
        """Return minutes behind UTC now, the vendor's sign, so that it follows the clocks."""
        offset = datetime.now(UTC).astimezone(self._time_zone()).utcoffset()
        return -round((offset or timedelta()) / timedelta(minutes=1))

    async def _call(self, command: str, params: Mapping[str, str] | None = None) -> Any:
        """Return the decoded reply to a command."""
        query = {**(params or {}), "token": self._token, "offset": str(self._offset())}
        # A redirect leads to a page for people, and would carry the token elsewhere.
        reply = await exchange(
            command,
            lambda: self._session.get(
                (URL(self._base_url) / _PROXY / command).with_query(query),
                timeout=self._timeout,
                allow_redirects=False,
            ),
        )
        return _decode(command, *reply)


def _decode(command: str, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """Return the decoded reply; raise the kind of error that it stands for."""
    if status == 429:
        raise CloudQuotaError(
            f"{command}: HTTP status 429", retry_after(headers.get("Retry-After"))
        )
    if status >= 500:
        raise CloudOutageError(f"{command}: HTTP status {status}")
    failure: CloudError
    try:
        reply = parse.decode(body)
    except CloudQuotaError as err:
        failure = CloudQuotaError(
            f"{command}: {err}", retry_after(headers.get("Retry-After"))
        )
    except (CloudAuthError, CloudRequestError) as err:
        failure = type(err)(f"{command}: {err}")
    except CloudError as err:
        failure = _status_error(command, status) or type(err)(f"{command}: {err}")
    else:
        if (refused := _status_error(command, status)) is None:
            return reply
        failure = refused
    raise failure


def _status_error(command: str, status: int) -> CloudError | None:
    """Return what an HTTP status below 500 says where the body says nothing."""
    if status < 300:
        return None
    kinds: dict[int, Callable[[str], CloudError]] = {
        400: CloudRequestError,
        401: CloudAuthError,
    }
    # 403 without the vendor's own words is a firewall's page: it says nothing of the token.
    return kinds.get(status, CloudOutageError)(f"{command}: HTTP status {status}")


def _span(start: datetime, end: datetime) -> dict[str, str]:
    """Return a span as the vendor's epoch seconds."""
    return {
        "fromTime": str(int(start.timestamp())),
        "toTime": str(int(end.timestamp())),
    }
