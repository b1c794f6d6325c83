"""The history of sources made whole: gaps repaired, and what was before backfilled."""
