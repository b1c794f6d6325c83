"""What an action is given of a meter's past: a CSV as text or as a file, or statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

from homeassistant.components.recorder.statistics import async_list_statistic_ids
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
from sqlalchemy.exc import SQLAlchemyError

from ..const import DOMAIN
from ..homes.home import Home
from ..metering.csv_import import read_energy
from ..metering.csv_table import CsvError
from ..metering.gap_fill import Answer
from ..meters.entity_history import (
    UNITS as UNIT_CLASSES,
    async_statistic_answers,
    async_statistic_first,
)
from ..statistics.reading import async_has_recorder
from .errors import invalid

ATTR_CSV: Final = "csv"
ATTR_FILE: Final = "file"
ATTR_STATISTIC: Final = "statistic_id"

GIVEN_FIELDS: Final = (ATTR_CSV, ATTR_FILE, ATTR_STATISTIC)
"""The fields of an action that give a meter's past, of which one may be used."""


MOST_NAMED: Final = 20
"""So many statistics are named to who gives one that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What somebody gives of a meter's past; `refused` are lines that count nothing."""

    origin: str
    answers: Sequence[Answer]
    refused: Sequence[int] = ()


async def async_given(
    hass: HomeAssistant, home: Home, data: Mapping[str, Any]
) -> Given:
    """Return what the fields of an action give; wall times are those of a home.

    Raises ServiceValidationError that names what is wrong, and where.
    """
    if (statistic_id := data.get(ATTR_STATISTIC)) is not None:
        return await _async_from_statistic(hass, statistic_id)
    zone = home.coordinator.time_zone
    if (text := data.get(ATTR_CSV)) is not None:
        return await hass.async_add_executor_job(_from_csv, text, zone)
    return await hass.async_add_executor_job(_from_file, hass, data[ATTR_FILE], zone)


async def _async_from_statistic(hass: HomeAssistant, statistic_id: str) -> Given:
    """Read all of a statistic of energy or power."""
    try:
        if (first := await async_statistic_first(hass, statistic_id)) is None:
            raise invalid(
                "unknown_statistic",
                statistic=statistic_id,
                statistics=await _async_statistics(hass),
            )
        answers = await async_statistic_answers(
            hass, statistic_id, first, dt_util.utcnow()
        )
    except SQLAlchemyError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="recorder_failed"
        ) from err
    return Given(origin="statistics", answers=answers)


async def _async_statistics(hass: HomeAssistant) -> str:
    """Return the statistics that could be meant for a message, some of many."""
    if not async_has_recorder(hass):
        return "-"
    known = await async_list_statistic_ids(hass)
    names = sorted(
        one["statistic_id"] for one in known if one["unit_class"] in UNIT_CLASSES
    )
    more = ["…"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *more]) or "-"


def _from_csv(text: str, zone: tzinfo) -> Given:
    """Read a CSV."""
    try:
        energy = read_energy(text, zone)
    except CsvError as err:
        raise invalid(err.key, **err.placeholders) from err
    return Given(origin="csv", answers=energy.answers, refused=energy.refused)


def _from_file(hass: HomeAssistant, name: str, zone: tzinfo) -> Given:
    """Read a CSV file from a folder that Home Assistant may read."""
    path = Path(hass.config.path(name))
    if not hass.config.is_allowed_path(str(path)):
        raise invalid(
            "file_not_allowed",
            file=str(path),
            folders=", ".join(sorted(hass.config.allowlist_external_dirs)) or "-",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise _unreadable(path, err) from err
    return _from_csv(text, zone)


def _unreadable(
    path: Path, err: OSError | UnicodeDecodeError
) -> ServiceValidationError:
    """Return what is told of a file that cannot be read, without what is in it."""
    reason = (
        err.strerror if isinstance(err, OSError) else f"no UTF-8 at byte {err.start}"
    )
    return invalid("file_unreadable", file=str(path), reason=str(reason))
