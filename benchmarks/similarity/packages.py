"""Accepted solutions of real problem packages: who wrote one in two languages translated it.

The authors of packages often hand in one solution in several languages under one name, `paul.py`
and `Paul.java`; two names in one problem are two people. Of `paul_fast.cpp` and `Paul.java`, and of
`sol.cpp` and anybody's, the names do not say. That is the only label there is: it calls some
translations that are none, and some independent pairs that follow one well-known way.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from judge.similarity import Entry, family, fingerprint
from judge.similarity.fingerprints import TOKENS_MIN

LANGUAGES = {
    ".c": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".kt": "kotlin",
    ".py": "python3",
    ".py3": "python3",
    ".rs": "rust",
}
# Examples that every repository of packages brings along, and greetings, are no solutions.
_EXAMPLES = re.compile(r"testdata_tools|/skel/|/tests?/|hello|/different/")
_BYTES_MAX = 100_000
_LINE_MIN = 8
_IMPORTS = (b"#include", b"using", b"import", b"from")
_SHARED = 0.3
_NOBODY = "sol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """An accepted solution; `name` is what its author called it, without ending and case."""

    id: str
    problem: str
    name: str
    language: str
    source: bytes

    def entry(self, problem: str | None = None) -> Entry:
        """Return it to be compared, among its own problem or another corpus."""
        made = fingerprint(self.source, self.language)
        return Entry(id=self.id, problem=problem or self.problem, fingerprint=made)


def solutions(directory: Path) -> list[Solution]:
    """Return the accepted solutions of all packages below a directory, each source once."""
    seen: set[bytes] = set()
    found: list[Solution] = []
    taken: set[str] = set()
    for place in sorted(directory.rglob("submissions/accepted")):
        problem = place.parent.parent.name
        if _EXAMPLES.search(f"{place.relative_to(directory).as_posix()}/") or problem in taken:
            continue
        taken.add(problem)
        for path in sorted(place.iterdir()):
            language = LANGUAGES.get(path.suffix)
            if language is None or not path.is_file() or path.stat().st_size > _BYTES_MAX:
                continue
            source = path.read_bytes()
            digest = hashlib.sha256(source).digest()
            if digest not in seen and fingerprint(source, language).own_tokens >= TOKENS_MIN:
                seen.add(digest)
                found.append(
                    Solution(
                        id=f"{problem}/{path.name}",
                        problem=problem,
                        name=path.stem.lower(),
                        language=language,
                        source=source,
                    )
                )
    return found


def translated(chosen: list[Solution]) -> set[frozenset[str]]:
    """Return the pairs that carry one name in two families of languages, by their ids."""
    by_name: dict[tuple[str, str], list[Solution]] = defaultdict(list)
    for one in chosen:
        by_name[one.problem, one.name].append(one)
    return {
        frozenset((one.id, other.id))
        for group in by_name.values()
        for one in group
        for other in group
        if family(one.language) != family(other.language)
    }


def unknown(chosen: list[Solution]) -> set[frozenset[str]]:
    """Return the pairs across families of which names do not say who wrote them, by their ids.

    A second name of one person, `jeroen_transcribed.kt` beside `Jeroen.java`, may be a translation
    or another approach; `sol.cpp` is anybody's.
    """
    found = set()
    by_problem: dict[str, list[Solution]] = defaultdict(list)
    for one in chosen:
        by_problem[one.problem].append(one)
    for group in by_problem.values():
        for one, other in combinations(group, 2):
            different = family(one.language) != family(other.language) and one.name != other.name
            if different and _maybe_one(one.name, other.name):
                found.add(frozenset((one.id, other.id)))
    return found


def _maybe_one(name: str, other: str) -> bool:
    people = [re.split(r"[^a-z]", each)[0] for each in (name, other)]
    if any(not person or person.startswith(_NOBODY) for person in people):
        return True
    return name.startswith(people[1]) or other.startswith(people[0])


def independent(chosen: list[Solution], languages: Collection[str]) -> list[Solution]:
    """Return solutions by different people: of each problem with two or more, one for each name.

    Juries derive solutions from each other, too: one that shares three tenths of its lines, as
    written, with another of its problem is left out.
    """
    found: list[Solution] = []
    by_problem: dict[str, list[Solution]] = defaultdict(list)
    for one in chosen:
        if one.language in languages:
            by_problem[one.problem].append(one)
    for _, group in sorted(by_problem.items()):
        kept: list[tuple[Solution, set[bytes]]] = []
        people: set[str] = set()
        for one in group:
            person = re.split(r"[^a-z]", one.name)[0] or one.name
            own = _lines(one.source)
            if person not in people and own and not any(_derived(own, each) for _, each in kept):
                people.add(person)
                kept.append((one, own))
        found += [one for one, _ in kept] if len(kept) > 1 else []
    return found


def _lines(source: bytes) -> set[bytes]:
    """Return the lines that say something, imports aside."""
    lines = (b" ".join(line.split()) for line in source.split(b"\n"))
    return {one for one in lines if len(one) >= _LINE_MIN and not one.startswith(_IMPORTS)}


def _derived(one: set[bytes], other: set[bytes]) -> bool:
    return len(one & other) >= _SHARED * min(len(one), len(other))
