"""A demo started by its command, as a user would start it."""

from collections.abc import Mapping
from contextlib import ExitStack
import os
from pathlib import Path
import re
import signal
import subprocess
from types import MappingProxyType

from demo.api import Api
from demo.folder import LOOPBACK, ROOT
from demo.onboarding import PASSWORD, USERNAME
from tests.e2e.ports import held_port, hold_port
from tests.simulator_client import SimulatorClient

STOP_SECONDS = 180


class RunningDemo:
    """One demo in a folder, from start to stop; it can be started again."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Choose the folder; the port stays the same over all starts.

        `environment` is what the demo's processes have besides ours.
        """
        self.folder = folder
        self._held = ExitStack()
        self.port = self._held.enter_context(held_port())
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.lines: list[str] = []
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str]:
        """Return the process as it runs now."""
        assert self._process is not None
        return self._process

    @property
    def simulator_url(self) -> str:
        """Return the simulator's address as the demo printed it."""
        text = self.lines[0]
        match = re.fullmatch(r"Simulator +(http://\S+)", text)
        assert match is not None, text
        return match[1]

    def launch(self, *arguments: str) -> None:
        """Start the command without waiting for anything."""
        self.lines = []
        self._process = subprocess.Popen(
            [
                ROOT / "scripts" / "demo",
                "--port",
                str(self.port),
                "--data",
                self.folder,
                *arguments,
            ],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: str) -> None:
        """Start the command and wait until the homes stand."""
        self.launch(*arguments)
        self.read_until("User ")

    def read_until(self, beginning: str) -> str:
        """Read what the demo prints up to a line that begins so, and return it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return line.rstrip("\n")
        raise AssertionError(f"the demo ended: {self.lines}")

    def read_all(self, *beginnings: str) -> None:
        """Read on until there is a line with each beginning, in whatever order."""
        for beginning in beginnings:
            if not any(line.startswith(beginning) for line in self.lines):
                self.read_until(beginning)

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self) -> int:
        """Wait for the end, read the last lines and return the exit code."""
        output, _ = self.process.communicate(timeout=STOP_SECONDS)
        self.lines += output.splitlines()
        return self.process.returncode

    def keep_simulator_port(self) -> None:
        """Let nobody take the simulator's port between its end and its next start."""
        number = int(self.simulator_url.rpartition(":")[2])
        self._held.enter_context(hold_port(number))

    def close(self) -> None:
        """Kill what still runs, and give up the ports."""
        if self._process is not None:
            with self._process:
                self._process.kill()
        self._held.close()

    def simulator(self) -> SimulatorClient:
        """Return a client of the demo's simulator."""
        return SimulatorClient(self.simulator_url)

    def log_lines(self) -> list[str]:
        """Return the first lines of all that Home Assistant has logged."""
        text = (self.folder / "config" / "home-assistant.log").read_text("utf-8")
        return [
            line for line in text.splitlines() if re.match(r"\d{4}-\d\d-\d\d ", line)
        ]


async def logged_in(api: Api) -> Api:
    """Log a client in as the demo's user."""
    await api.login(USERNAME, PASSWORD)
    return api
