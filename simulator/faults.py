"""Faults to order: what goes wrong, for whom and how often."""

import asyncio
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What a cloud can do wrong."""

    BAD_TOKEN = "bad_token"
    BAD_TOKEN_CAPITAL = "bad_token_capital"
    DAILY_LIMIT = "daily_limit"
    METHOD_FAILED = "method_failed"
    BAD_REQUEST = "bad_request"
    NO_HOUSEHOLD = "no_household"
    ERROR_500_BODY = "error_500_body"
    HTML = "html"
    EMPTY_BODY = "empty_body"
    EMPTY_LIST = "empty_list"
    NO_DATA = "no_data"
    WRONG_TYPE = "wrong_type"
    HTTP_500 = "http_500"
    HTTP_503 = "http_503"
    TIMEOUT = "timeout"
    CUT = "cut"
    BYTE_BY_BYTE = "byte_by_byte"
    STALE = "stale"
    GARBAGE = "garbage"
    CONNECTION_RESET = "connection_reset"
    """Before any reply. aiohttp repeats such a GET once by itself: order two."""
    TOKEN_MISSING = "token_missing"
    TOKEN_INVALID = "token_invalid"
    TOKEN_EXPIRED = "token_expired"
    APP_DEACTIVATED = "app_deactivated"
    NOTHING_TO_MODIFY = "nothing_to_modify"
    DEVICE_NOT_FOUND = "device_not_found"
    MISSING_ARGUMENT = "missing_argument"
    CONCURRENCY = "concurrency"
    INTERNAL = "internal"
    SCOPE = "scope"
    COULD_NOT_APPLY = "could_not_apply"
    INVALID_ARGUMENT = "invalid_argument"
    USAGE_403 = "usage_403"
    USAGE_429 = "usage_429"
    UNREACHABLE = "unreachable"
    INVALID_GRANT = "invalid_grant"
    INVALID_CLIENT = "invalid_client"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    HTTP_406 = "http_406"
    HTTP_502 = "http_502"
    EMPTY_403 = "empty_403"
    GATEWAY_ERROR = "gateway_error"
    """`homestatus` with `errors` and neither rooms nor modules, as status 200."""
    BODY_LIST = "body_list"
    BODY_EMPTY = "body_empty"
    NO_BODY = "no_body"
    BARE_ROOMS = "bare_rooms"
    """Rooms with `id` and `reachable: false` only."""
    END_NULL = "end_null"
    END_ABSENT = "end_absent"
    MODE_HOME = "mode_home"
    """Rooms on schedule say `home`, as some kinds do."""
    NO_MODULES = "no_modules"
    STATUS_FAILED = "status_failed"
    """A reply with status 200 that does not say `ok`."""
    HTTP_401 = "http_401"
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_408 = "http_408"
    HTTP_429 = "http_429"


_ALL = list(Fault)
_EFERGY_ONLY = frozenset(_ALL[: _ALL.index(Fault.HTML)]) | {
    Fault.EMPTY_LIST,
    Fault.NO_DATA,
    Fault.STALE,
}
_PARTICLE_ONLY = frozenset(_ALL[_ALL.index(Fault.HTTP_401) :])
_NETATMO_ONLY = frozenset(_ALL[_ALL.index(Fault.TOKEN_MISSING) :]) - _PARTICLE_ONLY

NOT_EFERGY = _NETATMO_ONLY | _PARTICLE_ONLY
"""What an Efergy call neither suffers from nor uses up."""
NOT_NETATMO = _EFERGY_ONLY | _PARTICLE_ONLY
"""What a Netatmo call neither suffers from nor uses up."""
NOT_PARTICLE = _EFERGY_ONLY | (_NETATMO_ONLY - {Fault.HTTP_502})
"""What a Particle call neither suffers from nor uses up."""


@dataclass
class ActiveFault:
    """A fault that waits for calls it applies to."""

    fault: Fault
    command: str | None = None
    token: str | None = None
    count: int | None = None
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fault as the control endpoint shows it."""
        return asdict(self)


class Faults:
    """The faults that are active, oldest first, and the calls they hold."""

    def __init__(self) -> None:
        """Begin without a fault."""
        self.active: list[ActiveFault] = []
        self.held = 0
        self._released = asyncio.Event()

    def add(self, fault: ActiveFault) -> None:
        """Let a fault apply from now on."""
        self.active.append(fault)

    def take(
        self, command: str, token: str, immune: AbstractSet[Fault] = NOT_EFERGY
    ) -> ActiveFault | None:
        """Return the fault that applies to a call, used once."""
        for fault in self.active:
            if fault.fault in immune:
                continue
            if fault.command in {None, command} and fault.token in {None, token}:
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self.active.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """End all faults and let go of the calls they hold."""
        self.active.clear()
        self._released.set()
        self._released = asyncio.Event()

    async def hold(self, seconds: float | None) -> None:
        """Keep a call waiting: real seconds, or until the faults are cleared."""
        self.held += 1
        try:
            await asyncio.wait_for(self._released.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self.held -= 1
