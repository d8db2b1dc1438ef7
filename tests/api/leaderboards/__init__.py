"""Tests of `api.leaderboards`."""
