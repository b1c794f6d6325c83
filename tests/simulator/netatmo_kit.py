"""What the tests of the simulated Netatmo cloud have in common."""

from dataclasses import dataclass
import json
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession

from tests.netatmo_control import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_USER,
    NetatmoControl,
)
from tests.simulator_client import SimulatorClient

ELM = "Elm Street"
MILL = "Mill Cottage"
FOREVER_S = 2_147_483_647


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """Return the body's JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, int, str]:
        """Return HTTP status, number and words of an error."""
        error = self.json["error"]
        return self.status, error["code"], error["message"]


@dataclass
class App:
    """An application that uses the cloud for one user."""

    simulator: SimulatorClient
    control: NetatmoControl
    session: ClientSession
    token: str

    def sign_in(
        self, user: str = NETATMO_USER, scope: tuple[str, ...] | None = None
    ) -> None:
        """Act for a user from now on."""
        self.token = self.control.tokens(user, scope)["access_token"]

    async def post(
        self, method: str, body: object = None, **arguments: object
    ) -> Answer:
        """Call a method as the documentation says: a form, or JSON."""
        url = f"{self.simulator.url}/api/{method}"
        headers = {"Authorization": f"Bearer {self.token}"}
        data = arguments if body is None else None
        async with self.session.post(
            url, data=data, json=body, headers=headers
        ) as response:
            return Answer(
                response.status, await response.read(), dict(response.headers)
            )

    async def status(self, home: str = ELM) -> dict[str, Any]:
        """Return what homestatus says of a home."""
        answer = await self.post("homestatus", home_id=self.control.home_id(home))
        assert answer.status == 200, answer
        body: dict[str, Any] = answer.json["body"]
        return body

    async def rooms(self, home: str = ELM) -> dict[str, dict[str, Any]]:
        """Return what homestatus says of a home's rooms, by their names."""
        rooms = self.control.rooms(home)
        names = {room_id: name for name, room_id in rooms.items()}
        body = await self.status(home)
        return {names[room["id"]]: room for room in body["home"]["rooms"]}

    async def set_room(
        self, room: str, mode: str = "manual", home: str = ELM, **arguments: object
    ) -> Answer:
        """Set one room."""
        return await self.post(
            "setroomthermpoint",
            home_id=self.control.home_id(home),
            room_id=self.control.room_id(home, room),
            mode=mode,
            **arguments,
        )

    async def set_home(self, mode: str, home: str = ELM, **arguments: object) -> Answer:
        """Set a whole home."""
        home_id = self.control.home_id(home)
        return await self.post("setthermmode", home_id=home_id, mode=mode, **arguments)

    async def set_state(self, home: str, rooms: object) -> Answer:
        """Set rooms of the modulating kind."""
        state = {"home": {"id": self.control.home_id(home), "rooms": rooms}}
        return await self.post("setstate", state)

    async def ask_token(self, **fields: str) -> Answer:
        """Ask the token endpoint, with the app's own id and secret."""
        form = {
            "client_id": NETATMO_CLIENT_ID,
            "client_secret": NETATMO_CLIENT_SECRET,
        } | fields
        url = f"{self.simulator.url}/oauth2/token"
        async with self.session.post(url, data=form) as response:
            return Answer(
                response.status, await response.read(), dict(response.headers)
            )

    async def refresh(self, refresh_token: str, **fields: str) -> Answer:
        """Ask for new tokens."""
        return await self.ask_token(
            grant_type="refresh_token", refresh_token=refresh_token, **fields
        )

    async def authorize(self, **query: str) -> Answer:
        """Open the authorize page, as a browser that does not go on."""
        url = f"{self.simulator.url}/oauth2/authorize?{urlencode(query)}"
        async with self.session.get(url, allow_redirects=False) as response:
            return Answer(
                response.status, await response.read(), dict(response.headers)
            )

    async def decide(self, **form: str) -> Answer:
        """Press a button of the authorize page."""
        url = f"{self.simulator.url}/oauth2/authorize"
        async with self.session.post(url, data=form, allow_redirects=False) as response:
            return Answer(
                response.status, await response.read(), dict(response.headers)
            )
