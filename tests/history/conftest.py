"""What the tests of histories have in common with those of rooms: a heated home."""

from tests.rooms.conftest import elm

__all__ = ["elm"]
