"""Sensors that are no meters: what they measure, and which is on record. Pure."""
