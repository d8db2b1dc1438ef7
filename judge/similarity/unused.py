"""What of a program nothing in it leads to: definitions that are never used.

Whoever hides a copy among functions that nobody calls, or under a contestant's header, must not
get away with it, nor look like all others with that header. What can be reached from the beginning
of the program counts; where no beginning is known all of it does.
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
    b" Error String cmp partial_cmp eq fmt add sub mul div hash drop default from"
    # Loops, coroutines, allocators, awaited things, readers and writers, operators with names.
    b" begin end rbegin rend size data swap await_ready await_suspend await_resume"
    b" initial_suspend final_suspend get_return_object allocate deallocate construct destroy"
    b" malloc calloc realloc free GetEnumerator MoveNext GetAwaiter Dispose Deconstruct then"
    b" valueOf Read Write Scan Format plus minus times rem rangeTo contains invoke getValue"
    b" setValue plusAssign minusAssign timesAssign divAssign remAssign provideDelegate write flush"
    b" readline readlines inc dec unaryMinus component1 component2 component3".split()
)
# By family of languages: how code is run, or named, without anybody seeing its name.
_HIDING = {
    "c": rb"##|%:%:|__attribute__|\b(__)?gnu(__)?\b|[^ \t]\\\r?\n|\basm\b|__asm|_Pragma"
    rb"|define[^\n]*\bmain\b",
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
