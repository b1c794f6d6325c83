"""How long a test waits by the clock on the wall."""

from typing import Final

PATIENCE_S: Final = 60.0
"""What succeeds gets so long, however busy the machine is; nothing else waits for it."""
