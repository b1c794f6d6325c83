"""Telling homes one by one, so that one home's trouble is no other's."""

from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger


@contextmanager
def isolated(logger: Logger, message: str, *args: object) -> Iterator[None]:
    """Log whatever a home raises that is told something, and go on.

    It must neither end an account's polling nor keep others from hearing of theirs.
    """
    try:
        yield
    except Exception:
        logger.exception(message, *args)
