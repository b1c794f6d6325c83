"""Requests that no board makes, ten thousand of them."""

import asyncio
from collections import Counter
from random import Random
from typing import Any, Final

from aiohttp.test_utils import TestClient

from tests.board_kit import SECRET

URL: Final = f"/api/energy_homes/board/{SECRET}"
SENSORS: Final = f"{URL}/v1/sensors/update"


def garbage(random: Random) -> bytes:
    """Return a request that no board makes."""
    names = ("channel", "millis", "metercount", "debug", "stop", "x", "%C3%A4", "")
    values = ("-", "1e3", "0x10", "NaN", "%D9%A1", "9" * 30, "", "true1", "1+2", "%00")
    fields = "&".join(
        f"{random.choice(names)}={random.choice(values)}"
        for _ in range(random.randrange(4))
    )
    body = random.choice((fields.encode(), random.randbytes(random.randrange(40))))
    line = random.choice(
        (f"GET {URL}?{fields}", f"POST {URL}", f"POST {URL}?{fields}", f"PUT {SENSORS}")
    )
    head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def flood(client: TestClient[Any, Any]) -> Counter[int]:
    """Send ten thousand requests of garbage; return how they were answered."""
    statuses: Counter[int] = Counter()

    async def send(seed: int) -> None:
        """Send a thousand, fifty at a time."""
        random = Random(seed)
        reader, writer = await asyncio.open_connection(client.host, client.port)
        for _ in range(20):
            writer.write(b"".join(garbage(random) for _ in range(50)))
            for _ in range(50):
                head = await reader.readuntil(b"\r\n\r\n")
                statuses[int(head.split()[1])] += 1
                length = head.lower().partition(b"content-length: ")[2].split()[0]
                await reader.readexactly(int(length))
        writer.close()

    await asyncio.gather(*map(send, range(10)))
    return statuses
