"""Tests of `api.events`."""
