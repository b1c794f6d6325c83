"""Tests of what boards and daemons send."""
