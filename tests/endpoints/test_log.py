"""Secrets of boards are in no log of requests, whatever its format."""

import logging

import pytest

from custom_components.energy_homes.endpoints.log import (
    REQUEST_LOGGERS,
    keep_secrets_out_of_logs,
)

PATH = "/api/energy_homes/board/secret-0123/v1/sensors/update"


@pytest.mark.parametrize("name", REQUEST_LOGGERS)
def test_paths_are_logged_without_secrets(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Texts and arguments, once or twice filtered; everything else stays."""
    keep_secrets_out_of_logs()
    keep_secrets_out_of_logs()
    logger = logging.getLogger(name)
    caplog.set_level("INFO", name)
    logger.info("Filtered %s from %d", PATH, 7)
    logger.info("%(path)s", {"path": "/api/other"})
    logger.info(f'"GET {PATH}?channel=1"', extra={"first_request_line": f"GET {PATH}"})  # noqa: G004
    logger.info("/api/energy_homes/boards stays")
    assert [record.getMessage() for record in caplog.records] == [
        "Filtered /api/energy_homes/board/**/v1/sensors/update from 7",
        "/api/other",
        '"GET /api/energy_homes/board/**/v1/sensors/update?channel=1"',
        "/api/energy_homes/boards stays",
    ]
    assert not [
        record for record in caplog.records if "secret-0123" in str(vars(record))
    ]
