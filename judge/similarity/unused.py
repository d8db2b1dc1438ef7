"""What of a program nothing in it leads to: branches never compiled, definitions never used.

Whoever hides a copy among functions that nobody calls, below `#if 0` or under a contestant's
header must not get away with it, nor look like all others with that header. What can be reached
from the beginning of the program counts; where no beginning is known all of it does.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judge.similarity.arrays import Array, Flags

# Fewer leaves outside of all definitions are no program.
_OUTSIDE_MIN = 4
_ENTRIES = frozenset([b"main", b"Main"])
# Called by libraries and by operators, so that nobody sees a name.
_CALLED = frozenset(
    b"compareTo compare equals hashCode toString run call apply accept test get iterator next"
    b" hasNext close init Compare CompareTo Equals GetHashCode ToString Less Len Swap Push Pop"
    b" Error String cmp partial_cmp eq fmt add sub mul div hash drop default from".split()
)
_DIRECTIVE = re.compile(rb"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif|define|undef)\b[ \t]*(.*)")
_NAME = re.compile(rb"\w+")
# What may be a directive without looking like one, and texts that may look like several lines.
_UNCLEAR = re.compile(rb"#|%:|\\[ \t\r]*$")
_TEXTS = re.compile(rb"R\"|[/*]\\[ \t]*\r?\n")
# By family of languages: how code is run, or named, without anybody seeing its name.
_HIDING = {
    "c": rb"##|%:%:|__attribute__|\[\[\s*gnu|\basm\b|__asm|_Pragma|define[^\n]*\bmain\b",
    "csharp": rb"Reflection|GetMethod|InvokeMember|ModuleInitializer",
    "go": rb"reflect|linkname",
    "java": rb"reflect|getMethod|getDeclared|forName|MethodHandle",
    "javascript": rb"\beval\b|\bFunction\b|globalThis|Reflect|\[[^\]\n]*[\"'`]\s*\+",
    "kotlin": rb"reflect|getMethod|getDeclared|forName|::class",
    "python": rb"\b(getattr|globals|locals|vars|eval|exec|compile|importlib|metaclass|attrgetter"
    rb"|methodcaller|__dict__|__getattr\w*|__import__|__subclasses__)\b",
    "rust": rb"macro_rules|link_section|\bctor\b",
}
_HIDES = {family: re.compile(each) for family, each in _HIDING.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Something with a name: the hash of it, None where it has none, and the leaves it spans.

    `holds` is true of classes that are made from others, which may call their members: those go
    with them.
    """

    name: int | None
    start: int
    end: int
    entry: bool
    called: bool
    holds: bool


def is_entry(name: bytes) -> bool:
    """Tell whether a program begins in a function of this name."""
    return name in _ENTRIES


def is_called(name: bytes) -> bool:
    """Tell whether something of this name may be used without its name being written."""
    return name in _CALLED or name.startswith(b"__")


def hides(source: bytes, family: str) -> bool:
    """Tell whether a program may use something without naming it."""
    found = _HIDES.get(family)
    return found is not None and found.search(source) is not None


def compiled(source: bytes) -> bytes:
    """Blank the branches of C and C++ that are never compiled; lines stay where they are.

    Nothing is blanked where it is not sure: code that a compiler sees must not get lost here.
    """
    if b"#" not in source or _TEXTS.search(source):
        return source
    # Of what is defined here: true, and false once that was taken back.
    defined: dict[bytes, bool] = {}
    # Of each condition that is open: whether this branch, and whether a later one, is compiled.
    opened: list[tuple[bool, bool]] = []
    closed = 0  # how many of them are not
    out: list[bytes] = []
    joined = commented = False
    for line in source.split(b"\n"):
        found = None if joined or commented else _DIRECTIVE.match(line)
        if closed and found is None and _UNCLEAR.search(line):
            return source
        joined = line.rstrip().endswith(b"\\")
        commented = _in_comment(line, commented)
        if found is None:
            out.append(b" " * len(line) if closed else line)
            continue
        word, rest = found.group(1), found.group(2).strip()
        if joined or commented or b"/*" in rest:
            return source
        name = _NAME.match(rest)
        plain = word in {b"define", b"undef"}
        out.append(line if plain and not closed else b" " * len(line))
        if plain and name is not None and not closed:
            # Inside of a condition nobody knows whether it is.
            defined[name.group()] = word == b"define" and not opened
        elif word.startswith(b"if"):
            known = name is not None and defined.get(name.group(), False)
            opened.append(_branches(word, rest, known))
            closed += not opened[-1][0]
        elif word in {b"else", b"elif", b"endif"} and opened:
            now, later = opened.pop()
            closed -= not now
            if word != b"endif":
                opened.append((later, later))
                closed += not later
    return source if opened else b"\n".join(out)


def _in_comment(line: bytes, within: bool) -> bool:  # noqa: FBT001
    """Tell whether a line ends in a comment; a beginning in a text counts as one."""
    at = 0
    while True:
        mark = b"*/" if within else b"/*"
        at = line.find(mark, at)
        if at < 0:
            return within
        at += 2
        within = not within


def _branches(word: bytes, rest: bytes, known: bool) -> tuple[bool, bool]:  # noqa: FBT001
    """Tell whether what follows a condition is compiled, and whether what follows its `else` is.

    What is not defined here may be by a compiler: both may be.
    """
    if word == b"if":
        return rest != b"0", rest != b"1"
    return (word == b"ifdef", word == b"ifndef") if known else (True, True)


def unused(spellings: Sequence[int], definitions: Sequence[Definition], *, script: bool) -> Flags:
    """Tell for each leaf whether nothing leads to it; `script` begins outside of definitions."""
    count = len(spellings)
    nothing = np.zeros(count, dtype=np.bool_)
    if not definitions:
        return nothing
    owner, parent = _owners(count, definitions)
    begins = [place for place, one in enumerate(definitions) if one.entry]
    if not begins and not (script and int((owner < 0).sum()) >= _OUTSIDE_MIN):
        return nothing
    words: dict[int, set[int]] = defaultdict(set)
    for place, word in zip(owner.tolist(), spellings, strict=True):
        words[place].add(word)
    live = _reached(begins, definitions, parent, words)
    return np.asarray(~np.isin(owner, list(live)))


def _reached(
    begins: Sequence[int],
    definitions: Sequence[Definition],
    parent: Sequence[int],
    words: Mapping[int, set[int]],
) -> set[int]:
    """Return the definitions that the beginnings and what is in none, -1, lead to."""
    named: dict[int, list[int]] = defaultdict(list)
    # What has no name, or needs none, goes with what it is in.
    within: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(definitions):
        if one.name is not None:
            named[one.name].append(place)
        around = parent[place]
        if one.called or one.name is None or (around >= 0 and definitions[around].holds):
            within[around].append(place)
    live = {-1}
    todo = [-1]
    leads = list(begins)
    while todo:
        place = todo.pop()
        leads += within[place]
        for word in words[place] & named.keys():
            leads += named[word]
        for lead in leads:
            at = lead
            # Whoever uses a method uses its class.
            while at not in live:
                live.add(at)
                todo.append(at)
                at = parent[at]
        leads = []
    return live


def _owners(count: int, definitions: Sequence[Definition]) -> tuple[Array, list[int]]:
    """Return for each leaf the innermost definition it is in, and of each that around it."""
    owner = np.full(count, -1, dtype=np.int64)
    parent = [-1] * len(definitions)
    # An outer one ends after those within it, and is told after them.
    order = sorted(
        range(len(definitions)), key=lambda at: (definitions[at].start, -definitions[at].end, -at)
    )
    around: list[int] = []
    done = 0
    for place in [*order, None]:
        start = count if place is None else definitions[place].start
        while around and definitions[around[-1]].end <= start:
            end = definitions[around[-1]].end
            owner[done:end] = around.pop()
            done = max(done, end)
        if around:
            owner[done:start] = around[-1]
        done = max(done, start)
        if place is not None:
            parent[place] = around[-1] if around else -1
            around.append(place)
    return owner, parent
