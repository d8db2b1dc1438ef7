"""Ends at once, without a word."""
