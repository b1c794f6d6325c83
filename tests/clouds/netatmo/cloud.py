"""A Netatmo cloud on loopback that answers whatever a test wants."""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Any

from aiohttp import web

from custom_components.energy_homes.clouds.errors import CloudError

FIRST_TOKEN = "first-secret-access-token"
FRESH_TOKEN = "fresh-secret-access-token"
OK = b'{"status":"ok","time_exec":0.017,"time_server":1653835363}'


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    authorization: str
    query: str
    form: Mapping[str, str]
    document: Any


class NetatmoCloud:
    """Takes one token, answers with the same reply and remembers what was asked."""

    def __init__(self) -> None:
        """Answer that all is well."""
        self.url = ""
        self.taken = FIRST_TOKEN
        self.asked: list[Asked] = []
        self.reply(OK)

    def reply(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with this from now on, to who has the right token."""
        self._body, self._status, self._headers = body, status, headers or {}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a call."""
        is_json = request.content_type == "application/json"
        authorization = request.headers.get("Authorization", "")
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                authorization=authorization,
                query=request.query_string,
                form={}
                if is_json
                else {k: str(v) for k, v in (await request.post()).items()},
                document=await request.json() if is_json else None,
            )
        )
        if authorization != f"Bearer {self.taken}":
            return error(3, "Access token expired", 403)
        return web.Response(body=self._body, status=self._status, headers=self._headers)


class Tokens:
    """A token provider that refreshes when it is told to."""

    def __init__(self, refreshed: str | CloudError = FRESH_TOKEN) -> None:
        """Begin with the first token; `refreshed` is what a refresh brings."""
        self.token = FIRST_TOKEN
        self.refreshes = 0
        self._refreshed = refreshed

    async def __call__(self) -> str:
        """Return the newest token."""
        return self.token

    async def force_refresh(self, refused: str) -> str:
        """Refresh where the refused token is the newest."""
        if refused == self.token:
            self.refreshes += 1
            if isinstance(self._refreshed, CloudError):
                raise self._refreshed
            self.token = self._refreshed
        return self.token


def error(code: int, message: str, status: int) -> web.Response:
    """Return an error as the vendor writes it."""
    body = json.dumps({"error": {"code": code, "message": message}})
    return web.Response(text=body, status=status, content_type="application/json")
