"""Tests of `judge.checkers`."""
