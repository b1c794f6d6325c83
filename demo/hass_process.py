"""The real Home Assistant of the demo."""

from collections.abc import Mapping
import os
import socket
import sys
from types import MappingProxyType
from typing import Final, Self

from .child import Child
from .errors import DemoError
from .folder import LOOPBACK, DemoFolder

RESTART_EXIT_CODE: Final = 100
STOP_SECONDS: Final = 120
# Ours would shadow Home Assistant's own search for packages, or choose another address.
NOT_INHERITED: Final = ("PYTHONPATH", "SETUP_PORT", "HA_DISABLE_LOG_FILE")
VENDOR_URLS: Final = tuple(
    f"ENERGY_HOMES_{vendor}_URL" for vendor in ("EFERGY", "NETATMO", "PARTICLE")
)


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


class HassProcess:
    """A `hass` that is started again when it asks for that; an asynchronous context manager."""

    def __init__(
        self,
        folder: DemoFolder,
        simulator_url: str,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Choose the data folder, and the address that stands for all vendors' clouds.

        `environment` is what the process has besides ours.
        """
        self._folder = folder
        self._environment = {
            **{k: v for k, v in os.environ.items() if k not in NOT_INHERITED},
            **dict.fromkeys(VENDOR_URLS, simulator_url),
            **environment,
        }
        self._child: Child | None = None

    async def __aenter__(self) -> Self:
        """Start Home Assistant."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop Home Assistant."""
        await self.stop()

    async def start(self) -> None:
        """Start the process."""
        self._child = await Child.start(
            [
                sys.executable,
                "-m",
                "homeassistant",
                "--config",
                self._folder.config,
                "--log-file",
                self._folder.log,
                "--log-no-color",
            ],
            folder=self._folder.config,
            environment=self._environment,
            output=self._folder.hass_output,
        )

    async def stop(self) -> int:
        """Stop the process and return its exit code."""
        return await self.child.stop(STOP_SECONDS)

    async def kill(self) -> None:
        """Kill the process as a power cut would."""
        self.child.kill()
        await self.child.wait()

    async def watch(self) -> None:
        """Start Home Assistant again whenever it asks for that.

        Raises:
            DemoError: it ended for any other reason.
        """
        while (code := await self.child.wait()) == RESTART_EXIT_CODE:
            await self.start()
        raise DemoError(
            f"Home Assistant ended by itself with code {code}: see {self._folder.log} "
            f"and {self._folder.hass_output}"
        )

    @property
    def child(self) -> Child:
        """Return the process as it runs now."""
        if self._child is None:
            raise RuntimeError("Home Assistant has not been started")
        return self._child
