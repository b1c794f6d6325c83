"""Make the folder of an installation as the present release leaves it.

    python -m tests.installations.make NAME

NAME is a tag or a commit, and becomes a folder here, which `tests/test_installation.py` then
starts as well. Run it on the release itself: `b3d0d98` was made by this script at commit b3d0d98
(Home Assistant 2026.10); an older one needs this folder copied into its worktree. It takes a
minute or two of the processor's time.
"""

from pathlib import Path
import sys

import pytest

MAKING = Path(__file__).with_name("making.py")


class Name:
    """Tells the making of what it makes."""

    def __init__(self, name: str) -> None:
        """Take the name of the release."""
        self._name = name

    @pytest.fixture
    def installation_name(self) -> str:
        """Return the name of the folder."""
        return self._name


def main() -> int:
    """Make the folder that is asked for."""
    if len(sys.argv) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    options = ["-q", "-p", "no:cacheprovider", "--show-capture=no", "--timeout=1800"]
    return pytest.main([str(MAKING), *options], plugins=[Name(sys.argv[1])])


if __name__ == "__main__":
    sys.exit(main())
