"""Finds in a source what everybody was given: starter code, drivers, snippets of the statement.

A run counts as given when its spelling is in a template, or when a longer run has its shape, so
that renaming what was given does not make it one's own.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from judge.similarity.arrays import Array, Flags, Hashes
from judge.similarity.hashing import windows

SPELLED_RUN = 6
SHAPED_RUN = 16


class Tokens(Protocol):
    """What is needed of a source here."""

    @property
    def spellings(self) -> Hashes:
        """Hashes of the tokens as written."""

    @property
    def shapes(self) -> Hashes:
        """Hashes of what the tokens are."""


def marked(source: Tokens, templates: Sequence[Tokens]) -> Flags:
    """Tell for each token whether it came from a template."""
    found = np.zeros(len(source.spellings), dtype=np.bool_)
    for template in templates:
        # A short template is a run of its own length.
        spelled = min(SPELLED_RUN, len(template.spellings))
        _mark(found, source.spellings, template.spellings, spelled)
        _mark(found, source.shapes, template.shapes, SHAPED_RUN)
    return found


def _mark(found: Flags, tokens: Array, given: Array, length: int) -> None:
    if length < 1:
        return
    for start in np.flatnonzero(np.isin(windows(tokens, length), windows(given, length))):
        found[start : start + length] = True
