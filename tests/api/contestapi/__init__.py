"""The Contest API."""
