"""Rehearsals: an event played against the running service, over HTTP like anybody would."""
