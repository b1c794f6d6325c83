"""How a board or a daemon calls Home Assistant, and what it gets back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from simulator.boards.plan import Style

TIMEOUT = ClientTimeout(total=60)
LONGEST_ANSWER = 10_000


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 where nothing did."""

    status: int
    text: str

    @property
    def taken(self) -> bool:
        """Tell whether a line of the answer says that what was sent is kept."""
        return any(line.startswith("WEBHOOK 200") for line in self.text.splitlines())


NOTHING = Answer(0, "")


async def send_fields(
    session: ClientSession, url: str, style: Style, fields: Mapping[str, str]
) -> Answer:
    """Send fields as a board does."""
    match style:
        case Style.GET:
            return await _call(session, "GET", url, params=fields)
        case Style.FORM:
            return await _call(session, "POST", url, data=fields)
        case Style.JSON:
            return await _call(session, "POST", url, json=fields)


async def send_report(session: ClientSession, url: str, report: object) -> Answer:
    """Send the report of a daemon."""
    return await _call(session, "PUT", url, json=report)


async def _call(
    session: ClientSession, method: str, url: str, **content: Any
) -> Answer:
    """Make one call, which may fail."""
    try:
        async with session.request(
            method, url, timeout=TIMEOUT, allow_redirects=False, **content
        ) as response:
            body = await response.content.read(LONGEST_ANSWER)
            return Answer(response.status, body.decode(errors="replace"))
    except ClientError, TimeoutError, OSError:
        return NOTHING
