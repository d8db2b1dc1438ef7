"""Clarifications: questions to the jury, its answers, and announcements."""
