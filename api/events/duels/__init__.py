"""Duels: a challenge, its answer, and the event that comes of it."""
