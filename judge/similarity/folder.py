"""Reads a directory of submissions: files, or one directory for each problem.

DIR/alice.py                 one problem, one file each
DIR/sums/alice.py            a directory for each problem
DIR/sums/alice/main.py       a submission of several files
DIR/alice/main.py            one problem, a directory each, when no directory holds two

The name without its ending is the person, so that the same person is known in several problems.
Two files of one problem whose names differ in the ending only may be one solution in two
languages, and who wrote them is not known: they are compared.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from judge.errors import UsageError
from judge.languages.load import get, languages
from judge.languages.model import suffix
from judge.similarity.comparing import Entry
from judge.similarity.fingerprints import fingerprint, joined
from judge.similarity.page import Source

FILES_MAX = 200_000
# Nobody writes so much, and it would have to be held in memory.
BYTES_MAX = 64 * 1024 * 1024

# Problem, submission, language.
_Key = tuple[str, str, str]


@dataclass(slots=True, kw_only=True)
class Corpus:
    """What a directory holds; `unread` are files of no language known here, or not readable."""

    entries: list[Entry] = field(default_factory=list)
    sources: dict[str, Mapping[str, Path]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def read_folder(
    directory: Path, *, templates: Sequence[Path] = (), language: str | None = None
) -> Corpus:
    """Read all submissions below a directory; raises `UsageError` when there are none."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory")
    given = [_bytes(path) for path in templates]
    chosen = get(language).id if language else None
    corpus = Corpus()
    grouped: dict[_Key, dict[str, Path]] = defaultdict(dict)
    for path in sorted(directory.rglob("*")):
        parts = path.relative_to(directory).parts
        if any(part.startswith(".") for part in parts) or not path.is_file():
            continue
        name = "/".join(parts)
        found = chosen or _language_of(name)
        if found is None or not _readable(path):
            corpus.unread.append(name)
            continue
        problem = parts[0] if len(parts) > 1 else ""
        one = "/".join(parts[:2]) if len(parts) > 2 else name
        grouped[problem, one, found][name] = path
        if len(grouped) > FILES_MAX:
            raise UsageError(f"{directory} holds more than {FILES_MAX} submissions")
    people = _by_person(grouped)
    shared = Counter((problem, Path(one).stem) for problem, one, _ in people if Path(one).suffix)
    for (problem, one, found), files in sorted(people.items()):
        identity = one if one not in corpus.sources else f"{one} ({found})"
        source = {name: _bytes(path) for name, path in files.items()}
        corpus.sources[identity] = files
        corpus.entries.append(
            Entry(
                id=identity,
                problem=problem or directory.resolve().name,
                fingerprint=fingerprint(
                    next(iter(source.values())) if len(source) == 1 else source,
                    found,
                    template=given,
                ),
                author=one if shared[problem, Path(one).stem] > 1 else Path(one).stem,
            )
        )
    if not corpus.entries:
        raise UsageError(f"{directory} holds no source in a language known here")
    return corpus


def _by_person(grouped: Mapping[_Key, dict[str, Path]]) -> Mapping[_Key, dict[str, Path]]:
    """Take directories for people, not problems, when none holds more than one submission."""
    problems = [problem for problem, _, _ in grouped if problem]
    if len(set(problems)) < 2 or len(set(problems)) < len(problems):
        return grouped
    return {("", problem or one, found): files for (problem, one, found), files in grouped.items()}


def source_of(corpus: Corpus, identity: str) -> Source | None:
    """Return the text of a submission as the page shows it."""
    files = corpus.sources.get(identity)
    if files is None:
        return None
    one = next(entry.fingerprint for entry in corpus.entries if entry.id == identity)
    text, _ = joined({name: _bytes(path) for name, path in files.items()})
    kept = set(one.lines[one.own].tolist())
    return Source(text=text, given=frozenset(set(one.lines[~one.own].tolist()) - kept))


def _language_of(name: str) -> str | None:
    ending = suffix(name)
    for language in languages().values():
        if ending in language.extensions + language.headers and not language.by_name_only:
            return language.id
    return None


def _readable(path: Path) -> bool:
    return path.stat().st_size <= BYTES_MAX and os.access(path, os.R_OK)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
