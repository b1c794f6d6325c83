"""Faults to order: what goes wrong, for whom and how often."""

import asyncio
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

    def take(self, command: str, token: str) -> ActiveFault | None:
        """Return the fault that applies to a call, used once."""
        for fault in self.active:
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
