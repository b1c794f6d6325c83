"""Tests of `clouds/efergy/`."""
