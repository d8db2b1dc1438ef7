"""Tests of `judge.scoring`."""
