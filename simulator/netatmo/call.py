"""A call to the vendor's interface, and how its arguments are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.netatmo.errors import invalid, missing
from simulator.netatmo.home import Home
from simulator.netatmo.room import Room
from simulator.netatmo.state import NetatmoState, User

type Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call: whose, when, and with what arguments."""

    state: NetatmoState
    user: User
    now_ms: int
    arguments: Mapping[str, str]
    body: Json = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return an argument that has to be there."""
        if not (text := self.arguments.get(name)):
            raise missing(name)
        return text

    def number(self, name: str) -> float:
        """Return an argument that has to be a number."""
        text = self.text(name)
        try:
            return float(text)
        except ValueError:
            raise invalid(f"Invalid {name}") from None

    def whole(self, name: str, default: int | None = None) -> int | None:
        """Return a whole number argument, or the default where there is none."""
        if not self.arguments.get(name):
            return default
        return int(self.number(name))

    def flag(self, name: str, default: bool) -> bool:
        """Return an argument that is true or false."""
        text = self.arguments.get(name)
        return default if text is None else text.lower() in {"true", "1"}

    def end_s(self, name: str = "endtime") -> int | None:
        """Return when something ends, in epoch seconds, where it is said."""
        end_s = self.whole(name)
        if end_s is not None and end_s * 1000 <= self.now_ms:
            raise invalid("Endtime in the past")
        return end_s

    def home(self) -> Home:
        """Return the home that is asked for."""
        home = self.user.home(self.text("home_id"))
        if home is None or home.id != self.arguments["home_id"]:
            raise invalid("Invalid home_id")
        return home

    def room(self, home: Home) -> Room:
        """Return the room that is asked for."""
        room = home.room(self.text("room_id"))
        if room is None or room.id != self.arguments["room_id"]:
            raise invalid("Invalid room_id")
        return room
