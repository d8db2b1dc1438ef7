"""Tests of `judge.aggregation`."""
