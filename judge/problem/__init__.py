"""Reads problem packages: directory or archive in, frozen `Problem` out. Runs nothing."""
