"""The tests' way to the heated homes behind the simulated Netatmo cloud."""

from collections.abc import Sequence
from datetime import UTC, datetime
import json
from typing import Any
from urllib.parse import urlencode

from simulator.scenario import (
    NETATMO_CLIENT_ID,
    NETATMO_CLIENT_SECRET,
    NETATMO_REFRESH_TOKEN,
    NETATMO_USER,
)
from tests.simulator_client import SimulatorClient, to_ms

__all__ = [
    "NETATMO_CLIENT_ID",
    "NETATMO_CLIENT_SECRET",
    "NETATMO_REFRESH_TOKEN",
    "NETATMO_USER",
    "NetatmoControl",
]


class NetatmoControl:
    """Turn windows, wheels, relays, accounts and limits; homes go by their name."""

    def __init__(self, simulator: SimulatorClient) -> None:
        """Control the heated homes of a simulator."""
        self.simulator = simulator

    def overview(self) -> dict[str, Any]:
        """Return accounts, homes, rooms, modules and limits."""
        return self._get("")

    def truth(self, home: str) -> dict[str, dict[str, Any]]:
        """Return what is true of each room of a home, by its name."""
        homes = self.simulator.truth(temperatures=True)["homes"]
        rooms: dict[str, dict[str, Any]] = homes[home]["temperatures"]
        return rooms

    def home_id(self, home: str) -> str:
        """Return a home's id."""
        home_id: str = self._home(home)["id"]
        return home_id

    def room_id(self, home: str, room: str) -> str:
        """Return a room's id."""
        room_id: str = self._room(home, room)["id"]
        return room_id

    def rooms(self, home: str) -> dict[str, str]:
        """Return the ids of a home's rooms by their names."""
        return {room["name"]: room["id"] for room in self._home(home)["rooms"]}

    def schedule_id(self, home: str, schedule: str) -> str:
        """Return a schedule's id."""
        schedules: dict[str, str] = self._home(home)["schedules"]
        return next(key for key, name in schedules.items() if name == schedule)

    def module_ids(self, home: str, kind: str) -> list[str]:
        """Return the ids of a home's modules of a type."""
        return [m["id"] for m in self._home(home)["modules"] if m["type"] == kind]

    def setpoint(self, home: str, room: str) -> tuple[str, float, int]:
        """Return what the cloud has a room set to: mode, °C, end in epoch s."""
        found = self._room(home, room)
        return found["mode"], found["setpoint"], found["end_s"]

    def settings(self, **order: Any) -> None:
        """Change quotas, setpoint_delay_ms, approves, signed_in, rotates, access_s."""
        self._post("settings", order)

    def quotas(self, **quotas: int | None) -> None:
        """Change limits; the names are those of `simulator.netatmo.limits.Quotas`."""
        self.settings(quotas=quotas)

    def spend(self, user: str, calls: int, client_id: str | None = None) -> None:
        """Use up a user's and an app's calls, as another program would."""
        self.settings(spend={"user": user, "calls": calls, "client_id": client_id})

    def add_account(
        self,
        user: str,
        refresh_token: str,
        homes: Sequence[dict[str, Any]],
        client_id: str | None = None,
    ) -> None:
        """Add an account; a home is `{"name", "rooms": [{"name", "modules"?}]}`."""
        order = {"user": user, "refresh_token": refresh_token, "homes": list(homes)}
        self._post("accounts", order | {"client_id": client_id})

    def home(self, home: str, action: str, **order: Any) -> None:
        """Do something to a home: offline, online, mode, schedule, remove ..."""
        self._post("homes", {"home": home, "action": action, **_times(order)})

    def add_home(self, user: str, home: dict[str, Any]) -> None:
        """Add a home to an account."""
        self._post("homes", {"user": user, "action": "add", "home": home})

    def room(self, home: str, room: str, **order: Any) -> None:
        """Do something to a room: window, people, extra_w, mode, reachable ..."""
        self._post("rooms", {"home": home, "room": room, **_times(order)})

    def add_room(self, home: str, room: dict[str, Any]) -> None:
        """Add a room to a home."""
        self._post("rooms", {"home": home, "action": "add", "room": room})

    def module(self, home: str, module: str, **order: Any) -> None:
        """Do something to a module: reachable, battery_mv, firmware."""
        self._post("modules", {"home": home, "module": module, **order})

    def tokens(
        self, user: str = NETATMO_USER, scope: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Return new tokens of a user, as the token endpoint would."""
        order: dict[str, Any] = {"user": user}
        if scope is not None:
            order["scope"] = list(scope)
        return self._post("tokens", order)

    def expire(self, user: str = NETATMO_USER) -> None:
        """End a user's access tokens."""
        self._post("tokens", {"user": user, "action": "expire"})

    def revoke(self, user: str = NETATMO_USER) -> None:
        """Void all tokens of a user."""
        self._post("tokens", {"user": user, "action": "revoke"})

    def calls(self, user: str = NETATMO_USER) -> dict[str, int]:
        """Return how often each method was called for a user."""
        calls: dict[str, int] = self._calls()["by_user"].get(user, {})
        return calls

    def calls_of_client(self, client_id: str = NETATMO_CLIENT_ID) -> dict[str, int]:
        """Return how often each method was called by an app."""
        calls: dict[str, int] = self._calls()["by_client"].get(client_id, {})
        return calls

    def log(self) -> list[tuple[int, str, str, str, int]]:
        """Return the last calls: milliseconds, user, app, method, status."""
        return [tuple(call) for call in self._calls()["log"]]

    def call(
        self, method: str, access_token: str, **arguments: Any
    ) -> tuple[int, bytes]:
        """Call the cloud itself; return status and body."""
        query = urlencode({"access_token": access_token, **arguments})
        return self.simulator.raw("GET", f"/api/{method}?{query}")

    def samples(
        self, home: str, room: str, begin: datetime, end: datetime
    ) -> dict[datetime, float]:
        """Return all that the cloud has of a room's temperature in a span, as it came."""
        status, body = self.call(
            "getroommeasure",
            self.tokens()["access_token"],
            home_id=self.home_id(home),
            room_id=self.room_id(home, room),
            type="temperature",
            scale="max",
            date_begin=to_ms(begin) // 1000,
            date_end=to_ms(end) // 1000,
            optimize="false",
        )
        assert status == 200
        return {
            datetime.fromtimestamp(int(stamp), UTC): values[0]
            for stamp, values in json.loads(body)["body"].items()
        }

    def _home(self, name: str) -> dict[str, Any]:
        """Return a home of the overview."""
        for user in self.overview()["users"].values():
            for home in user["homes"]:
                if home["name"] == name:
                    found: dict[str, Any] = home
                    return found
        raise AssertionError(f"There is no home {name}")

    def _room(self, home: str, name: str) -> dict[str, Any]:
        """Return a room of the overview."""
        rooms: list[dict[str, Any]] = self._home(home)["rooms"]
        return next(room for room in rooms if room["name"] == name)

    def _calls(self) -> dict[str, Any]:
        """Return the log of calls."""
        calls: dict[str, Any] = self.simulator.request("GET", "/_control/calls")
        found: dict[str, Any] = calls["netatmo"]
        return found

    def _get(self, path: str) -> dict[str, Any]:
        """Ask the control endpoint."""
        answer: dict[str, Any] = self.simulator.request(
            "GET", f"/_control/netatmo{path}"
        )
        return answer

    def _post(self, path: str, order: dict[str, Any]) -> dict[str, Any]:
        """Order something from the control endpoint."""
        answer: dict[str, Any] = self.simulator.request(
            "POST", f"/_control/netatmo/{path}", order
        )
        return answer


def _times(order: dict[str, Any]) -> dict[str, Any]:
    """Return an order with `at` and `end` as the control endpoint wants them."""
    times = {"at": ("at_ms", 1), "end": ("end_s", 1000)}
    return {
        times[name][0] if isinstance(value, datetime) else name: (
            to_ms(value) // times[name][1] if isinstance(value, datetime) else value
        )
        for name, value in order.items()
    }
