"""Tests of `clouds/netatmo/`."""
