"""The tests' way to talk to the simulator: plain calls that block for a moment."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
import json
from pathlib import Path
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode, urlsplit

from simulator.scenario import ELM_TOKEN, MILL_TOKEN, TERRACE_TOKEN
from simulator.shared_time import SharedTime
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parent.parent
SECOND = timedelta(seconds=1)

__all__ = ["ELM_TOKEN", "MILL_TOKEN", "TERRACE_TOKEN", "SimulatorClient", "to_ms"]


def to_ms(instant: datetime) -> int:
    """Return an aware instant in epoch milliseconds."""
    return round(instant.timestamp() * 1000)


class SimulatorClient:
    """Control one simulator process; every call is a short one on loopback."""

    def __init__(self, url: str, shared: SharedTime | None = None) -> None:
        """Take the address the simulator printed, and what it shares of its clock."""
        self.url = url
        self._shared = shared
        address = urlsplit(url)
        assert address.hostname is not None
        self._connection = HTTPConnection(
            address.hostname, address.port, timeout=PATIENCE_S
        )

    @property
    def now(self) -> datetime:
        """Return the simulated time."""
        return datetime.fromtimestamp(self._clock() / 1000, UTC)

    @property
    def held(self) -> int:
        """Return how many calls the simulator keeps waiting on purpose."""
        held: int = self.request("GET", "/_control/faults")["held"]
        return held

    def streams(self) -> dict[str, Any]:
        """Return how far open streams are, and how many calls are held."""
        streams: dict[str, Any] = self.request("GET", "/_control/particle/streams")
        return streams

    def reset(self, now: datetime) -> None:
        """Begin anew with a clock that stands still at `now`."""
        self.request("POST", "/_control/reset", {"now_ms": to_ms(now)})

    def step(self, delta: timedelta) -> None:
        """Move the simulated time."""
        step_ms = round(delta / timedelta(milliseconds=1))
        self.request("POST", "/_control/clock", {"step_ms": step_ms})

    def set(self, now: datetime) -> None:
        """Move the simulated time to an instant."""
        self.request("POST", "/_control/clock", {"set_ms": to_ms(now)})

    def move(self, now: datetime) -> None:
        """Move a clock that stands still; without a call where nobody acts on it."""
        if self._shared is None or self._shared.watched:
            self.set(now)
        else:
            self._shared.now_ms = to_ms(now)

    def fault(
        self,
        name: str,
        command: str | None = None,
        token: str | None = None,
        count: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Order a fault, for `count` calls or until cleared."""
        self.request(
            "POST",
            "/_control/faults",
            {
                "fault": name,
                "command": command,
                "token": token,
                "count": count,
                "seconds": seconds,
            },
        )

    def clear_faults(self) -> None:
        """End all faults."""
        self.request("DELETE", "/_control/faults")

    def fault_names(self) -> list[str]:
        """Return the names of all faults."""
        names: list[str] = self.request("GET", "/_control/faults")["names"]
        return names

    def calls(self, token: str) -> dict[str, int]:
        """Return how often each command was called with a token."""
        by_token = self.request("GET", "/_control/calls")["by_token"]
        calls: dict[str, int] = by_token.get(token, {})
        return calls

    def call_log(self) -> list[tuple[int, str, str]]:
        """Return the last calls: milliseconds, token, command."""
        log = self.request("GET", "/_control/calls")["log"]
        return [(stamp, token, command) for stamp, token, command in log]

    def clear_calls(self) -> None:
        """Forget the calls so far."""
        self.request("DELETE", "/_control/calls")

    def truth(
        self,
        from_: datetime | None = None,
        to: datetime | None = None,
        *,
        temperatures: bool = False,
        published: bool = False,
    ) -> dict[str, Any]:
        """Return the control endpoint's truth of [from_, to).

        Temperatures, and what Particle boards published, only where they are asked for:
        they take a moment.
        """
        window: dict[str, int] = {
            "temperatures": int(temperatures),
            "published": int(published),
        }
        window |= {
            name: to_ms(instant)
            for name, instant in (("from_ms", from_), ("to_ms", to))
            if instant is not None
        }
        truth: dict[str, Any] = self.request(
            "GET", f"/_control/truth?{urlencode(window)}"
        )
        return truth

    def published(
        self, sid: str, from_: datetime | None = None, to: datetime | None = None
    ) -> list[tuple[int, int]]:
        """Return a meter's published readings as milliseconds and watts."""
        homes = self.truth(from_, to)["homes"].values()
        meters = {s: meter for home in homes for s, meter in home["meters"].items()}
        return [(stamp, watts) for stamp, watts in meters[sid]["published"]]

    def meter(
        self,
        token: str,
        sid: str,
        action: str,
        *,
        role: str = "grid",
        seed: int = 1,
        at: datetime | None = None,
        home: str | None = None,
    ) -> None:
        """Add, remove, silence or wake a meter, now or at another instant."""
        order: dict[str, Any] = {"token": token, "sid": sid, "action": action}
        order |= {"role": role, "seed": seed}
        if at is not None:
            order["at_ms"] = to_ms(at)
        if home is not None:
            order["home"] = home
        self.request("POST", "/_control/meters", order)

    def add_account(
        self, token: str, hid: str, meters: Sequence[dict[str, Any]]
    ) -> None:
        """Add an account; a meter is `{"sid", "role", "seed", "home"?}`."""
        order = {"token": token, "hid": hid, "meters": list(meters)}
        self.request("POST", "/_control/accounts", order)

    def efergy(self, command: str, token: str, **parameters: object) -> Any:
        """Call the Efergy cloud itself and return what its JSON says."""
        query = urlencode({"token": token, **parameters})
        return self.request("GET", f"/mobile_proxy/{command}?{query}")

    def request(self, method: str, path: str, order: object = None) -> Any:
        """Make one call and return its JSON."""
        status, body = self.raw(method, path, order)
        assert status == 200, body
        return json.loads(body)

    def raw(self, method: str, path: str, order: object = None) -> tuple[int, bytes]:
        """Make one call and return status and body."""
        try:
            return self._send(method, path, order)
        except OSError, HTTPException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _clock(self) -> int:
        """Return the simulated milliseconds."""
        now_ms: int = self.request("GET", "/_control/clock")["now_ms"]
        return now_ms

    def _send(self, method: str, path: str, order: object) -> tuple[int, bytes]:
        """Send a request and read the reply."""
        body = None if order is None else json.dumps(order).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()


def start_simulator(
    *arguments: str, parent_pid: int
) -> tuple[subprocess.Popen[str], str]:
    """Start a simulator process; return it and its address."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "simulator",
            "--parent-pid",
            str(parent_pid),
            *arguments,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    return process, ready["url"]
