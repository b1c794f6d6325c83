"""What Linux says about ports and processes."""

from pathlib import Path
import socket


def listening_addresses(port: int) -> set[str]:
    """Return the addresses of this machine on which a port is listened to."""
    found = set()
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{name}").read_text("ascii").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, hexadecimal = local.split(":")
            if state == "0A" and int(hexadecimal, 16) == port:
                words = bytes.fromhex(address)
                raw = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
                found.add(socket.inet_ntop(family, raw))
    return found


def child_pids(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(word) for word in text.split()]


def living_pids() -> set[int]:
    """Return the ids of all processes."""
    return {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}
