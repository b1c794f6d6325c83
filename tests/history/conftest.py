"""What tests of history need of heated homes."""

from tests.rooms.conftest import elm

__all__ = ["elm"]
