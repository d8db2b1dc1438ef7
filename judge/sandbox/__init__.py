"""Isolation: the port (`base`), the wire (`wire`), and one file per backend."""
