"""Tests of `accounts/pulse_board/`."""
