"""The demo's data folder: what lies where, and what the demo itself writes into it."""

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import json
from pathlib import Path
import shutil
from typing import Any, Final

from .errors import DemoError

ROOT: Final = Path(__file__).resolve().parent.parent
DOMAIN: Final = "energy_homes"
LOOPBACK: Final = "127.0.0.1"

# Few parts on purpose: no discovery on the network, nothing that wants the internet.
CONFIGURATION: Final = """\
# Written by scripts/demo at each start.
config:
energy:
frontend:
history:
logbook:
sun:
system_health:
logger:
  default: warning
  logs:
    # For pictures and speech, which no home here has; most machines lack their libraries.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
    # Only says that a faster packer is not installed.
    aiohttp_fast_zlib: error
    # Wants the internet, and is removed as soon as it has come.
    homeassistant.components.radio_browser: critical
"""

# Home Assistant takes this over at the first start; later it only reads its own copy.
HTTP: Final = """\
http:
  server_host: {host}
  server_port: {port}
"""


class DemoFolder:
    """The folder that a demo lives in."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is written yet."""
        self.path = path.resolve()
        self.config = self.path / "config"
        self.simulator_info = self.path / "simulator.json"
        self.simulator_state = self.path / "simulator-state.json"
        self.hass_output = self.path / "hass.out"
        self.simulator_output = self.path / "simulator.out"
        self.log = self.config / "home-assistant.log"
        self._lock = self.path / "demo.lock"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Make the folder and keep a second demo out of it.

        Raises:
            DemoError: the folder is something else's, or another demo runs in it.
        """
        if self.path.exists() and not self.path.is_dir():
            raise DemoError(f"{self.path} is not a folder")
        if self.path.is_dir() and any(self.path.iterdir()) and not self._lock.exists():
            raise DemoError(
                f"{self.path} is not empty and not a demo's folder: choose another"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise DemoError(f"Another demo is running in {self.path}") from err
            yield

    def prepare(self, port: int) -> None:
        """Write the configuration and link the integration into it."""
        http = self._stored_http()
        if http is not None and not self._usable(http):
            # The first start ended before its address was confirmed: Home Assistant would
            # listen on every network interface now.
            shutil.rmtree(self.config)
            http = None
        components = self.config / "custom_components"
        components.mkdir(parents=True, exist_ok=True)
        link = components / DOMAIN
        target = ROOT / "custom_components" / DOMAIN
        if link.is_symlink() and link.resolve() != target:
            link.unlink()
        if not link.exists():
            link.symlink_to(target, target_is_directory=True)
        self.write_configuration(port if http is None else None)

    def write_configuration(self, first_port: int | None = None) -> None:
        """Write Home Assistant's configuration, with the address only for the first start."""
        text = CONFIGURATION
        if first_port is not None:
            text += HTTP.format(host=LOOPBACK, port=first_port)
        (self.config / "configuration.yaml").write_text(text, encoding="utf-8")

    def listening_port(self, wanted: int) -> int:
        """Return the port on which Home Assistant will listen when it is started now."""
        http = self._stored_http()
        if http is None or not self._usable(http):
            return wanted
        return int((http["pending"] or http["stable"])["server_port"])

    def simulator_port(self) -> int | None:
        """Return the port that the simulator had at the last start."""
        try:
            info = json.loads(self.simulator_info.read_text(encoding="utf-8"))
            return int(info["url"].rsplit(":", 1)[1])
        except OSError, ValueError, KeyError, IndexError:
            return None

    def _stored_http(self) -> dict[str, Any] | None:
        """Return what Home Assistant has stored about its address, only to look at it."""
        try:
            stored = json.loads(
                (self.config / ".storage" / "http").read_text(encoding="utf-8")
            )
        except OSError:
            return None
        data: dict[str, Any] = stored["data"]
        return data

    @staticmethod
    def _usable(http: dict[str, Any]) -> bool:
        """Return whether a start with this stored address listens on loopback only."""
        pending = http["pending"]
        if pending is not None and pending["error"] is None:
            return bool(pending.get("server_host") == [LOOPBACK])
        return bool(http["stable"].get("server_host") == [LOOPBACK])
