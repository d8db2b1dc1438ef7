"""Cuts a program into pieces a sentence model can take in: whole lines, about 120 tokens each.

A model sees some 256 of its own tokens, and most programs are longer: of a whole file it would
read the head alone. Comments and blank lines go, and pieces overlap by half, so that a function
is mostly whole in one of them.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judge.similarity import family
from judge.similarity.fingerprints import texts

TOKENS = 120
CHUNKS_MAX = 64
_TOKEN = re.compile(r"\w+|[^\w\s]")
_HASHED = re.compile(r"#[^\n]*")
_SLASHED = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a program, and its lines, counted over all files."""

    text: str
    first_line: int
    last_line: int


def chunks(files: Mapping[str, bytes], language: str) -> list[Chunk]:
    """Return the pieces of a program, at most `CHUNKS_MAX`."""
    comment = _HASHED if family(language) == "python" else _SLASHED
    # What a comment spanned of lines stays, so that lines are those of the file.
    bare = "".join(
        comment.sub(lambda found: "\n" * found[0].count("\n"), text) for text in texts(files)
    )
    lines = [
        (number, " ".join(words), len(words))
        for number, line in enumerate(bare.split("\n"), start=1)
        if (words := _TOKEN.findall(line)[:TOKENS])
    ]
    found: list[Chunk] = []
    start = 0
    while start < len(lines) and len(found) < CHUNKS_MAX:
        end, size = start, 0
        while end < len(lines) and (end == start or size + lines[end][2] <= TOKENS):
            size += lines[end][2]
            end += 1
        found.append(
            Chunk(
                text="\n".join(line for _, line, _ in lines[start:end]),
                first_line=lines[start][0],
                last_line=lines[end - 1][0],
            )
        )
        if end == len(lines):
            break
        half, passed = 0, start
        while passed < end - 1 and half < TOKENS // 2:
            half += lines[passed][2]
            passed += 1
        start = max(passed, start + 1)
    return found


def meant(found: Sequence[Sequence[tuple[str, float]]]) -> dict[str, float]:
    """Return how close others are to a program, given what is close to each of its pieces.

    It is the mean over the pieces of the closest of another's, `ID:PIECE`; none found counts 0.
    """
    best: dict[str, dict[int, float]] = defaultdict(dict)
    for place, near in enumerate(found):
        for each, score in near:
            other = each.partition(":")[0]
            best[other][place] = max(score, best[other].get(place, 0.0))
    return {one: sum(by.values()) / len(found) for one, by in best.items()}
