"""Run the tests of minutes first; loaded with `-p tests.slow_first`.

At the end a worker would sit alone with the last of them.
"""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests that are marked `heavy` or `slow` before all others."""
    items.sort(
        key=lambda item: not any(map(item.get_closest_marker, ("heavy", "slow")))
    )
