"""Finds copied code among submissions, with evidence: pure, no database and no network.

One file for each stage, in the order a source goes through them:
`reading` (bytes to text), `conditions` and `macros` (C as a compiler reads it), `parsing` by
`grammars` and `kinds` (text to tokens), `templates` (what was given), `fingerprints` by `hashing`
(what is stored), `across` (what languages have in common), `weighting` (what a gram says),
`overlaps` and `ordering` (scores), `calibration` (what a score means), `alignment` and `edits` (the
evidence), `clusters`, `comparing` (all of it for a corpus), `report` and `page` (the result).
Approaches to a problem go their own way from fingerprints on: `features` by `featuring` on
`leaves` (what a program does), `patterns`, `following` and `closeness`.
Beside them `index` and `vectors` find candidates in an archive, and `folder` reads a directory.

Importing this costs numpy and scipy: commands that do not compare must not import it.
"""

from judge.similarity.comparing import Comparison, Entry, compare
from judge.similarity.fingerprints import Fingerprint, Stream, fingerprint
from judge.similarity.grammars import family, supported
from judge.similarity.index import Index, Neighbour
from judge.similarity.page import page
from judge.similarity.report import Pair, Problem, Report
from judge.similarity.vectors import DIMENSIONS, vector

__all__ = [
    "DIMENSIONS",
    "Comparison",
    "Entry",
    "Fingerprint",
    "Index",
    "Neighbour",
    "Pair",
    "Problem",
    "Report",
    "Stream",
    "compare",
    "family",
    "fingerprint",
    "page",
    "supported",
    "vector",
]
