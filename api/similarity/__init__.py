"""Copied code among submissions, as a service: what is kept, found, reported and decided.

What the API imports is light: `router`, `schemas`, `queries`, `service`, `choosing`, `deciding`.
What compares and embeds (`fingerprinting`, `archive`, `report_job` and what they use) is for the
one process that does it, `api.similarity_worker`: it brings numpy, and vectors when installed.
"""
