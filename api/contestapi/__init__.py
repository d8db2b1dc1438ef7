"""The CLICS Contest API, version 2023-06: events as other contest software reads them.

docs/clics.md is its manual, docs/decisions/0009 says how the event feed keeps its order.
"""
