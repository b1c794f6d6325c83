"""The tests' way to the boards, tokens and streams of the simulated Particle cloud."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.scenario import (
    MILL_BOARD,
    PARTICLE_EXPIRED_TOKEN,
    PARTICLE_NO_EVENTS_TOKEN,
    PARTICLE_ODD_TOKEN,
    PARTICLE_ODD_USER,
    PARTICLE_PRODUCT,
    PARTICLE_PRODUCT_TOKEN,
    PARTICLE_TOKEN,
    PARTICLE_USER,
)
from tests.simulator_client import SimulatorClient, to_ms

__all__ = [
    "MILL_BOARD",
    "PARTICLE_EXPIRED_TOKEN",
    "PARTICLE_NO_EVENTS_TOKEN",
    "PARTICLE_ODD_TOKEN",
    "PARTICLE_ODD_USER",
    "PARTICLE_PRODUCT",
    "PARTICLE_PRODUCT_TOKEN",
    "PARTICLE_TOKEN",
    "PARTICLE_USER",
    "ParticleControl",
]

MILLISECOND = timedelta(milliseconds=1)
LATE = timedelta(seconds=50)


class ParticleControl:
    """Switch boards, void tokens and let streams fail; boards go by their name."""

    def __init__(self, simulator: SimulatorClient) -> None:
        """Control the Particle cloud of a simulator."""
        self.simulator = simulator

    def overview(self) -> dict[str, Any]:
        """Return boards, tokens, limits and open streams."""
        overview: dict[str, Any] = self.simulator.request("GET", "/_control/particle")
        return overview

    def device_id(self, board: str = MILL_BOARD) -> str:
        """Return a board's id."""
        device_id: str = self.overview()["devices"][board]["id"]
        return device_id

    def streams(self) -> list[dict[str, Any]]:
        """Return the open streams."""
        streams: list[dict[str, Any]] = self.overview()["streams"]
        return streams

    def add(self, name: str, owner: str = PARTICLE_USER, **plan: Any) -> str:
        """Add a board; see `simulator.particle.plan.DevicePlan`. Return its id."""
        self._post("devices", {"add": {"name": name, **plan}, "owner": owner})
        return self.device_id(name)

    def remove(self, board: str) -> None:
        """Take a board out of its account."""
        self._post("devices", {"device": board, "remove": True})

    def rename(self, board: str, name: str) -> None:
        """Give a board another name."""
        self._post("devices", {"device": board, "name": name})

    def offline(self, board: str = MILL_BOARD, late: timedelta | None = LATE) -> None:
        """Cut a board off; the cloud tells so later, or only when it is back."""
        late_ms = None if late is None else late // MILLISECOND
        self._post("devices", {"device": board, "online": False, "late_ms": late_ms})

    def online(self, board: str = MILL_BOARD) -> None:
        """Let a board come back."""
        self._post("devices", {"device": board, "online": True})

    def publish(
        self,
        name: str,
        data: str | None,
        board: str = MILL_BOARD,
        at: datetime | None = None,
        **fields: Any,
    ) -> None:
        """Let a board publish something else, in a millisecond or at an instant."""
        event = {"name": name, "data": data, **fields}
        if at is not None:
            event["at_ms"] = to_ms(at)
        self._post("devices", {"device": board, "publish": [event]})

    def token(self, token: str, **fields: Any) -> None:
        """Add a token or change it: owner, product, scopes."""
        self._post("tokens", {"token": token, **fields})

    def expire(self, token: str = PARTICLE_TOKEN, at: datetime | None = None) -> None:
        """Let a token end, now or at an instant."""
        end = self.simulator.now if at is None else at
        self._post("tokens", {"token": token, "end_ms": to_ms(end)})

    def renew(self, token: str = PARTICLE_TOKEN) -> None:
        """Let a token be good for ever."""
        self._post("tokens", {"token": token, "end_ms": None})

    def cut(self, token: str | None = None) -> None:
        """Cut the open streams in the middle of the next event."""
        self._fail(token, end="cut")

    def close(self, token: str | None = None) -> None:
        """End the open streams, as an answer ends that is complete."""
        self._fail(token, end="closed")

    def reset(self, token: str | None = None) -> None:
        """Reset the connections of the open streams."""
        self._fail(token, end="reset")

    def silence(self, token: str | None = None, for_: timedelta | None = None) -> None:
        """Let nothing come any more on any stream, also on one that is opened later."""
        silent_ms = None if for_ is None else for_ // MILLISECOND
        self._fail(token, silent=True, silent_ms=silent_ms)

    def unsilence(self, token: str | None = None) -> None:
        """Let it come again; what was published meanwhile is lost."""
        self._fail(token, silent=False)

    def duplicate(self, events: int, token: str | None = None) -> None:
        """Send the next events twice."""
        self._fail(token, duplicates=events)

    def disorder(self, events: int, token: str | None = None) -> None:
        """Send as many events after the one that follows them."""
        self._fail(token, disorder=events)

    def send(self, raw: str, token: str | None = None) -> None:
        """Send some text at once, whatever it is."""
        self._fail(token, raw=raw)

    def style(self, **style: Any) -> None:
        """Change how events look: see `simulator.particle.framing.Style`."""
        self._post("settings", {"style": style})

    def keep_alives(self, least: timedelta, most: timedelta) -> None:
        """Change how long it is from one keep-alive to the next."""
        pauses_ms = [least // MILLISECOND, most // MILLISECOND]
        self._post("settings", {"pauses_ms": pauses_ms})

    def quotas(self, **quotas: int) -> None:
        """Change limits: calls, opens, open_streams."""
        self._post("settings", {"quotas": quotas})

    def spend(self, calls: int = 0, opens: int = 0) -> None:
        """Use up calls and openings, as others at this address would."""
        self._post("settings", {"spend": {"calls": calls, "opens": opens}})

    def calls(self, token: str = PARTICLE_TOKEN) -> dict[str, int]:
        """Return how often each call was made with a token; `events` opens a stream."""
        return self.simulator.calls(token)

    def opened(self, token: str = PARTICLE_TOKEN) -> list[datetime]:
        """Return when streams were opened, or refused."""
        return [
            datetime.fromtimestamp(at_ms / 1000, UTC)
            for at_ms, known, command in self.simulator.call_log()
            if (known, command) == (token, "events")
        ]

    def truth(
        self,
        board: str = MILL_BOARD,
        from_: datetime | None = None,
        to: datetime | None = None,
    ) -> dict[str, Any]:
        """Return a board's true power and energy, and what it published, of [from_, to)."""
        truth = self.simulator.truth(from_, to, published=True)
        return next(
            boards[board]
            for home in truth["homes"].values()
            if board in (boards := home.get("boards", {}))
        )

    def published(
        self,
        event: str,
        board: str = MILL_BOARD,
        from_: datetime | None = None,
        to: datetime | None = None,
    ) -> list[tuple[int, str | None]]:
        """Return what a board published under a name in [from_, to), by milliseconds."""
        found: Mapping[str, Sequence[Sequence[Any]]] = self.truth(board, from_, to)[
            "published"
        ]
        return [(at_ms, data) for at_ms, data in found.get(event, ())]

    def _fail(self, token: str | None, **order: Any) -> None:
        """Let streams fail."""
        self._post("streams", {"token": token, **order})

    def _post(self, path: str, order: dict[str, Any]) -> None:
        """Order something from the control endpoint."""
        self.simulator.request("POST", f"/_control/particle/{path}", order)
