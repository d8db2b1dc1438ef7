"""Backups of the whole service: taken, put back, looked at, and tried out."""
