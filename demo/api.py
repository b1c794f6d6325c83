"""Home Assistant's HTTP and websocket API, as its frontend uses it."""

import asyncio
from http import HTTPStatus
import time
from typing import Any, Final, Self

import aiohttp

from .errors import DemoError

# Tokens live for 30 minutes.
TOKEN_SECONDS: Final = 1200
REQUEST_TIMEOUT: Final = aiohttp.ClientTimeout(total=120)


class Api:
    """A client of one Home Assistant; use it as an asynchronous context manager."""

    def __init__(self, url: str) -> None:
        """Name the Home Assistant by its address, without a slash at the end."""
        self.url = url
        self.client_id = f"{url}/"
        self._session = aiohttp.ClientSession(timeout=REQUEST_TIMEOUT)
        self._access = ""
        self._refresh = ""
        self._renew_at = 0.0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._socket_lock = asyncio.Lock()
        self._last_id = 0

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.disconnect()
        await self._session.close()

    async def disconnect(self) -> None:
        """Close the websocket; the next command opens another one."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def onboarding(self) -> list[dict[str, Any]] | None:
        """Return the steps of onboarding, empty where it is over, None while starting.

        Home Assistant forgets the page once onboarding is over, and does not have it yet
        while it starts: so another page that is always there is asked as well.
        """
        try:
            async with self._session.get(f"{self.url}/api/onboarding") as response:
                if response.status == HTTPStatus.OK:
                    steps: list[dict[str, Any]] = await response.json()
                    return steps
            async with self._session.get(f"{self.url}/auth/providers") as response:
                return [] if response.status == HTTPStatus.OK else None
        except aiohttp.ClientError:
            return None

    async def create_user(self, name: str, username: str, password: str) -> None:
        """Create the owner in onboarding and log in."""
        answer = await self._json(
            "POST",
            "/api/onboarding/users",
            json={
                "client_id": self.client_id,
                "language": "en",
                "name": name,
                "username": username,
                "password": password,
            },
        )
        await self._authorize(answer["auth_code"])

    async def login(self, username: str, password: str) -> None:
        """Log in as the login page does.

        Raises:
            DemoError: user or password are wrong.
        """
        flow = await self._json(
            "POST",
            "/auth/login_flow",
            json={
                "client_id": self.client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": self.client_id,
            },
        )
        result = await self._json(
            "POST",
            f"/auth/login_flow/{flow['flow_id']}",
            json={
                "client_id": self.client_id,
                "username": username,
                "password": password,
            },
        )
        if result["type"] != "create_entry":
            raise DemoError(f"User {username} cannot log in with the demo's password")
        await self._authorize(result["result"])

    async def get(self, path: str) -> Any:
        """Return the answer to a GET of a path under /api."""
        return await self._json("GET", f"/api/{path}", headers=await self._headers())

    async def post(self, path: str, data: dict[str, Any] | None = None) -> Any:
        """Return the answer to a POST of a path under /api."""
        return await self._json(
            "POST", f"/api/{path}", json=data or {}, headers=await self._headers()
        )

    async def delete(self, path: str) -> Any:
        """Return the answer to a DELETE of a path under /api."""
        return await self._json("DELETE", f"/api/{path}", headers=await self._headers())

    async def redirected(self, url: str) -> str:
        """Return where a page anywhere sends the browser.

        Raises:
            DemoError: it does not.
        """
        async with self._session.get(url, allow_redirects=False) as response:
            if (address := response.headers.get("Location")) is None:
                raise DemoError(
                    f"A page that should lead back answered {response.status}"
                )
            return address

    async def open(self, url: str) -> None:
        """Open a page of this Home Assistant, as a browser that is sent there.

        Raises:
            DemoError: the page is another server's, or not there.
        """
        if not url.startswith(self.client_id):
            raise DemoError(f"Sent to {url.partition('?')[0]}, not to {self.url}")
        async with self._session.get(url) as response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise DemoError(f"A page answered {response.status}")

    async def command(self, command: str, **fields: Any) -> Any:
        """Return the result of a websocket command.

        Raises:
            DemoError: Home Assistant refused it; the message says why.
        """
        async with self._socket_lock:
            socket = self._socket
            if socket is None or socket.closed:
                socket = self._socket = await self._connect()
            self._last_id += 1
            await socket.send_json({"id": self._last_id, "type": command, **fields})
            while (answer := await self._receive(socket))["id"] != self._last_id:
                pass
        if not answer["success"]:
            raise DemoError(
                f"Home Assistant refused {command}: {answer['error']['message']}"
            )
        return answer["result"]

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        """Open a websocket and say who we are."""
        await self._headers()
        socket = await self._session.ws_connect(
            f"{self.url}/api/websocket", max_msg_size=0
        )
        await self._receive(socket)
        await socket.send_json({"type": "auth", "access_token": self._access})
        if (await self._receive(socket))["type"] != "auth_ok":
            raise DemoError("Home Assistant refused the websocket's token")
        return socket

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> Any:
        """Return the next message of the websocket."""
        message = await socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise DemoError("Home Assistant closed the websocket")
        return message.json()

    async def _authorize(self, code: str) -> None:
        """Exchange an authorization code for tokens."""
        await self._token(grant_type="authorization_code", code=code)

    async def _headers(self) -> dict[str, str]:
        """Return the headers of a request with a token that is still good."""
        if self._refresh and time.monotonic() > self._renew_at:
            await self._token(grant_type="refresh_token", refresh_token=self._refresh)
        # The last tells flows where the user's browser is, so that they can send it back.
        return {"Authorization": f"Bearer {self._access}", "HA-Frontend-Base": self.url}

    async def _token(self, **form: str) -> None:
        """Ask for a token and keep it."""
        answer = await self._json(
            "POST", "/auth/token", data={"client_id": self.client_id, **form}
        )
        self._access = answer["access_token"]
        self._refresh = answer.get("refresh_token", self._refresh)
        self._renew_at = time.monotonic() + TOKEN_SECONDS

    async def _json(self, method: str, path: str, **options: Any) -> Any:
        """Return the JSON answer to a request.

        Raises:
            DemoError: the answer is not a success.
        """
        async with self._session.request(
            method, f"{self.url}{path}", **options
        ) as response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise DemoError(
                    f"Home Assistant answered {response.status} to {method} {path}: "
                    f"{(await response.text())[:300]}"
                )
            return await response.json()
