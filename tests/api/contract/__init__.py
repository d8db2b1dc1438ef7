"""Tests of the API as a whole: its document against what it does, bad input, what leaves it."""
