"""The stream of updates."""
