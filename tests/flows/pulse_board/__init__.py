"""Tests of `flows/pulse_board/`."""
