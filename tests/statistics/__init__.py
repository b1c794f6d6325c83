"""Tests of what we write into the recorder's statistics."""

import pytest

pytest.register_assert_rewrite("tests.statistics.world")
