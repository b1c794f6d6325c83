"""Tests that drive a real Home Assistant, and a real browser."""
