"""Tests of `api.rehearsing`."""
