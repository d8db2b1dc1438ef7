"""Rejudge sets."""
