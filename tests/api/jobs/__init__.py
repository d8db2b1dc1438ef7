"""Tests of long tasks."""
