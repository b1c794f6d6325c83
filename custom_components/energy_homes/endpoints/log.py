"""Keeps the secrets of boards out of the logs of those who log requests."""

import logging
import re
from typing import Final, override

REQUEST_LOGGERS: Final = (
    "aiohttp.access",
    "homeassistant.components.http.security_filter",
)
"""They write down paths: the one where somebody asks for it, the other unusual ones."""

_SECRET: Final = re.compile(r"(/api/energy_homes/board/)[^/?\s\"']+")


class BoardSecretFilter(logging.Filter):
    """Takes the secrets out of every text of a record."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without secrets."""
        record.msg = _without_secret(record.msg)
        match record.args:
            case tuple() as args:
                record.args = tuple(map(_without_secret, args))
            case _:
                pass
        for name in ("first_request_line", "request_header"):
            if name in record.__dict__:
                record.__dict__[name] = _without_secret(record.__dict__[name])
        return True


_FILTER: Final = BoardSecretFilter()


def keep_secrets_out_of_logs() -> None:
    """Filter the loggers of requests from now on; doing so again changes nothing."""
    for name in REQUEST_LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)


def _without_secret(value: object) -> object:
    """Return a text without secrets, anything else as it is."""
    return _SECRET.sub(r"\1**", value) if isinstance(value, str) else value
