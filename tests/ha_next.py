"""Let the released test plugin run on the next Home Assistant; loaded with `-p tests.ha_next`.

The plugin imports a name that Home Assistant 2026.11 moved. Not needed any more once a plugin for
that version is released; it does nothing where the name is in its old place.
"""

# Before any part of Home Assistant, in the plugin's own order: whoever has imported utcnow by
# then is never frozen.
from pytest_homeassistant_custom_component import patch_json  # noqa: F401  # isort: skip
from pytest_homeassistant_custom_component import patch_recorder  # noqa: F401  # isort: skip
from pytest_homeassistant_custom_component import patch_time  # noqa: F401  # isort: skip

from homeassistant.components import logger
from homeassistant.components.logger import helpers

if not hasattr(logger, "_clear_logger_overwrites"):
    logger._clear_logger_overwrites = helpers._clear_logger_overwrites  # type: ignore[attr-defined]
