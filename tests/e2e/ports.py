"""Ports that a test promises to a process before that listens on them."""

from collections.abc import Iterator
from contextlib import contextmanager
import socket

from demo.folder import LOOPBACK


def hold_port(port: int = 0) -> socket.socket:
    """Return a socket that keeps a port, any free one by default, until it is closed.

    Who asks the kernel for any port does not get this one; who wants it by its number, and
    sets SO_REUSEADDR as servers do, may listen on it.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((LOOPBACK, port))
    return held


def number_of(held: socket.socket) -> int:
    """Return the number of a port that is kept."""
    number: int = held.getsockname()[1]
    return number


@contextmanager
def held_port() -> Iterator[int]:
    """Keep a free port for a server to listen on, and give its number."""
    with hold_port() as held:
        yield number_of(held)
