"""Tests of `judge.similarity`."""
