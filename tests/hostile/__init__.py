"""Hostile programs against the real backends."""
