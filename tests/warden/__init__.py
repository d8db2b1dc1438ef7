"""Tests of the compiled supervisor, driven over its own protocol."""
