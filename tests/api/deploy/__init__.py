"""Tests of the service; their places mirror the repository."""
