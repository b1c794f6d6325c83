"""The simulated vendor clouds of the demo."""

from collections.abc import Mapping
import json
import os
import sys
from types import MappingProxyType
from typing import Any, Final, Self

from .child import Child
from .errors import DemoError
from .folder import ROOT, DemoFolder
from .hass_process import is_free
from .wait import until

START_SECONDS: Final = 180
STOP_SECONDS: Final = 10


class SimulatorProcess:
    """A `python -m simulator`; an asynchronous context manager."""

    def __init__(
        self,
        folder: DemoFolder,
        seed: int,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Choose the data folder, and the seed of all that happens in the homes.

        `environment` is what the process has besides ours.
        """
        self._folder = folder
        self._seed = seed
        self._environment = {**os.environ, **environment}
        self._child: Child | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        """Start the simulator and wait until it answers."""
        port = self._folder.simulator_port()
        if port is None or not is_free(port):
            port = 0
        self._folder.simulator_info.unlink(missing_ok=True)
        self._child = await Child.start(
            [
                sys.executable,
                "-m",
                "simulator",
                "--port",
                str(port),
                "--seed",
                str(self._seed),
                "--info",
                self._folder.simulator_info,
                "--state",
                self._folder.simulator_state,
                "--parent-pid",
                str(os.getpid()),
            ],
            folder=ROOT,
            environment=self._environment,
            output=self._folder.simulator_output,
        )
        try:
            info = await until(
                self._info, "the simulator to start", seconds=START_SECONDS, every=0.1
            )
        except BaseException:
            await self._child.stop(STOP_SECONDS)
            raise
        self.url = info["url"]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the simulator."""
        if self._child is not None:
            await self._child.stop(STOP_SECONDS)

    async def watch(self) -> None:
        """Wait for an end that nobody asked for.

        Raises:
            DemoError: always, once the simulator has ended.
        """
        if self._child is not None:
            raise DemoError(self._ended(await self._child.wait()))

    async def _info(self) -> dict[str, Any] | None:
        """Return what the simulator says about itself, once it has said it."""
        if self._child is not None and self._child.exit_code is not None:
            raise DemoError(self._ended(self._child.exit_code))
        try:
            info: dict[str, Any] = json.loads(
                self._folder.simulator_info.read_text(encoding="utf-8")
            )
        except OSError, ValueError:
            return None
        return info

    def _ended(self, code: int) -> str:
        """Say that the simulator is gone."""
        return (
            f"The simulator ended by itself with code {code}: "
            f"see {self._folder.simulator_output}"
        )
