"""Rooms and live battle."""
