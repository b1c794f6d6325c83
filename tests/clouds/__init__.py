"""Tests of the vendor clients."""
