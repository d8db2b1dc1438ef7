"""Tests of the service; their places mirror `api/`."""
