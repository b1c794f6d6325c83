"""Tests of `clouds/particle/`."""
