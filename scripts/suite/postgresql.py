"""A PostgreSQL server of our own: on loopback, in a temporary folder, gone when it was used."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import pwd
import shutil
import socket
import subprocess
import time
from typing import Final

from scripts.suite.processes import Processes

START_S: Final = 60
# Nothing of it has to survive a power cut.
_CARELESS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NotStartedError(Exception):
    """The server does not start; says what it said."""


@contextmanager
def server(processes: Processes, scratch: Path) -> Iterator[str]:
    """Give the address of a database on a running server; raises NotStartedError."""
    binaries = _binaries()
    folder = scratch / "postgresql"
    folder.mkdir()
    under = _as_another_user(scratch, folder)
    _make_cluster(binaries, folder, under)
    port = _free_port()
    log = folder / "server.log"
    settings = (
        "listen_addresses=127.0.0.1",
        f"port={port}",
        f"unix_socket_directories={folder}",
        *_CARELESS,
    )
    with log.open("wb") as output:
        pid = processes.start(
            [
                *(*under, str(binaries / "postgres"), "-D", "data"),
                *(word for setting in settings for word in ("-c", setting)),
            ],
            output.fileno(),
            cwd=folder,
        )
    try:
        ready = [str(binaries / "pg_isready"), "--quiet", "--host=127.0.0.1"]
        deadline = time.monotonic() + START_S
        while processes.run([*ready, f"--port={port}"]).status:
            if not processes.is_alive(pid) or time.monotonic() > deadline:
                raise NotStartedError(log.read_text(errors="replace"))
            time.sleep(0.2)
        yield f"postgresql://energy:energy@127.0.0.1:{port}/energy_homes"
    finally:
        processes.end(pid)


def _binaries() -> Path:
    found = Path("/usr/lib/postgresql").glob("*/bin")
    newest = max(found, key=lambda path: float(path.parent.name), default=None)
    if newest is not None:
        return newest
    if program := shutil.which("postgres"):
        return Path(program).parent
    raise NotStartedError("PostgreSQL is not installed")


def _as_another_user(scratch: Path, folder: Path) -> tuple[str, ...]:
    """Return what runs a program as another user where we are root, whom PostgreSQL refuses."""
    if os.getuid():
        return ()
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    scratch.chmod(0o711)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return (
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
    )


def _make_cluster(binaries: Path, folder: Path, under: tuple[str, ...]) -> None:
    made = subprocess.run(
        [
            *(*under, str(binaries / "initdb"), "--pgdata=data", "--username=energy"),
            *("--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"),
        ],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise NotStartedError(made.stdout + made.stderr)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
