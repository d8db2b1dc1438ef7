"""From text to token streams, by tree-sitter where we have the grammar, else by a plain lexer.

Broken code is walked like any other: a grammar's error nodes have children too.
The walk is a loop over a cursor, so that no nesting of a hostile source overflows a stack.
"""

import re
from dataclasses import dataclass, field, replace
from functools import cache
from time import thread_time
from zlib import crc32

import numpy as np
from tree_sitter import Node, Tree, TreeCursor

from judge.similarity import kinds
from judge.similarity.arrays import Array
from judge.similarity.conditions import compiled
from judge.similarity.grammars import family, grammar, parser
from judge.similarity.macros import written_out
from judge.similarity.reading import unescaped
from judge.similarity.unused import Definition, is_called, is_entry
from judge.similarity.words import word

TOKENS_MAX = 200_000
# A table of numbers says by its beginning whose it is; all of it would hide what else is there.
LISTED_MAX = 64
# Processor time; a source of 60 lines takes a thousandth of it.
PARSING_S_MAX = 2.0

_PIECE_BYTES = 1024
_LEAVES_MAX = 600_000
_LISTED = frozenset(
    [int(kinds.Leaf.NUMBER), int(kinds.Leaf.TEXT), int(kinds.Leaf.CHARACTER), int(kinds.Leaf.TRUTH)]
    + [crc32(mark) for mark in (b",", b"-", b"{", b"}", b"[", b"]", b"(", b")")]
)
_PIECE = re.compile(
    rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*|\d[\w.]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|\S"
)
_REMARK = re.compile(rb"/\*.*?\*/|//[^\n]*|(?m:^\s*#[^\n]*$)", re.DOTALL)


@dataclass(slots=True)
class Walked:
    """The leaves of a source in order, and the structural tokens between them."""

    spellings: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    shapes: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    part_at: list[int] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    # How many leaves there were, and how many of the last ones make up a table.
    seen: int = 0
    listed: int = 0

    def add(self, text: bytes, shape: int, start: int) -> None:
        """Append a leaf; of a long table only the beginning."""
        self.seen += 1
        self.listed = self.listed + 1 if shape in _LISTED else 0
        if self.listed > LISTED_MAX:
            return
        self.spellings.append(crc32(text))
        self.words.append(word(text, shape))
        self.shapes.append(shape)
        self.starts.append(start)

    def mark(self, part: int) -> None:
        """Append a structural token before the next leaf."""
        self.parts.append(part)
        self.part_at.append(len(self.spellings))

    def follow(self, other: "Walked") -> None:
        """Append the streams of another source; where leaves begin is not kept of it."""
        before = len(self.spellings)
        self.spellings += other.spellings
        self.words += other.words
        self.shapes += other.shapes
        self.parts += other.parts
        self.part_at += [before + at for at in other.part_at]
        self.definitions += [
            replace(each, start=each.start + before, end=each.end + before)
            for each in other.definitions
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What to do at a node: skip it, take it whole as a leaf, mark its begin and end."""

    skip: bool = False
    atom: int = 0
    shape: int = 0
    enter: int = 0
    leave: int = 0
    unless: str = ""
    defines: bool = False
    nameless: bool = False


def walk(text: str, language: str) -> tuple[Walked, Array]:
    """Return the streams of a text and the first line (from 1) of each leaf."""
    source, escaped = unescaped(text, family(language))
    if family(language) == "c":
        source = written_out(compiled(source))
    walked = (_parsed(source, language) if grammar(language) else None) or _lexed(source)
    breaks = np.flatnonzero(np.frombuffer(source, dtype=np.uint8) == 10)
    if escaped:
        breaks = np.setdiff1d(breaks, escaped)
    lines = np.searchsorted(breaks, np.array(walked.starts, dtype=np.int64)) + 1
    return walked, lines.astype(np.uint32)


def _parsed(source: bytes, language: str) -> Walked | None:
    """Walk the tree; None when the grammar takes too long, as with `a<a<a<…` in Java."""
    tree = _tree(source, language)
    if tree is None:
        return None
    rules = _rules(language)
    plain = _Rule()
    cursor = tree.walk()
    walked = Walked()
    leaving: list[tuple[_Rule, int]] = []
    while len(walked.spellings) < TOKENS_MAX and walked.seen < _LEAVES_MAX:
        node = cursor.node
        assert node is not None
        rule = rules.get(node.kind_id, plain)
        if not rule.skip:
            if rule.enter:
                walked.mark(rule.enter)
            begin = len(walked.spellings)
            if not _leaf(walked, source, node, rule) and cursor.goto_first_child():
                leaving.append((rule, begin))
                continue
            if rule.leave:
                walked.mark(rule.leave)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return walked
            _left(walked, source, cursor, leaving)
    return walked


def _left(
    walked: Walked, source: bytes, cursor: TreeCursor, leaving: list[tuple[_Rule, int]]
) -> None:
    """Note that the node that was entered last has ended."""
    rule, begin = leaving.pop()
    if rule.leave:
        walked.mark(rule.leave)
    if rule.defines:
        nameless = any(around.nameless for around, _ in leaving[-2:])
        _define(walked, source, cursor, begin, called=nameless)


def _define(walked: Walked, source: bytes, cursor: TreeCursor, begin: int, *, called: bool) -> None:
    """Note what a node defines, which began at a leaf and ends at the one that comes next."""
    node = cursor.node
    assert node is not None
    name: Node | None = node.child_by_field_name("name")
    inner = node.child_by_field_name("declarator")
    while name is None and inner is not None:
        if inner.type.endswith("identifier"):
            name = inner
        inner = inner.child_by_field_name("declarator")
    text = b"" if name is None else source[name.start_byte : name.end_byte]
    walked.definitions.append(
        Definition(
            name=crc32(text) if text else None,
            start=begin,
            end=len(walked.spellings),
            entry=is_entry(text),
            # Decorators are given what they stand at, the body of a class of Python is run, and one
            # of C++ may be made where it stands: `struct A { … } a;`.
            called=called
            or (node.parent is not None and node.parent.type == "declaration")
            or is_called(text)
            or node.type == "class_definition"
            or (node.parent is not None and node.parent.type == "decorated_definition"),
            holds=kinds.ENTERED.get(node.type) is kinds.Part.CLASS
            and any(child.type in kinds.INHERITING for child in node.children),
        )
    )


def _tree(source: bytes, language: str) -> Tree | None:
    """Parse, unless that takes too long.

    The text must stay what it was to the end: a parser that is given less of it the second time
    it asks reads beyond its memory.
    """
    until = thread_time() + PARSING_S_MAX

    def piece(offset: int, _: object) -> bytes:
        return source[offset : offset + _PIECE_BYTES]

    def late(_offset: int, _failed: object) -> bool:
        return thread_time() > until

    try:
        return parser(language).parse(piece, progress_callback=late)
    except ValueError:
        return None


def _leaf(walked: Walked, source: bytes, node: Node, rule: _Rule) -> bool:
    """Append a node that is a leaf or taken whole; tell whether it was one."""
    if rule.atom:
        if rule.unless and _holds(node, rule.unless):
            return False
        start = node.start_byte
        walked.add(source[start : node.end_byte], rule.atom, start)
        return True
    if node.child_count:
        return False
    start, end = node.start_byte, node.end_byte
    if rule.shape:
        if end > start:
            walked.add(source[start:end], rule.shape, start)
        return True
    # A leaf of no known meaning, the body of a macro above all, is read piece by piece.
    _pieces(walked, source[start:end], start)
    return True


def _holds(node: Node, kind: str) -> bool:
    """Tell whether a text, or one of those it is put together from, holds something of a kind."""
    return any(
        child.type == kind or (child.type == "string" and _holds(child, kind))
        for child in node.children
    )


def _pieces(walked: Walked, text: bytes, offset: int) -> None:
    for found in _PIECE.finditer(text):
        piece = found.group()
        walked.add(piece, _shape_of(piece), offset + found.start())
        if len(walked.spellings) >= TOKENS_MAX or walked.seen >= _LEAVES_MAX:
            return


def _lexed(source: bytes) -> Walked:
    """Read without a grammar: comments blanked, everything else a leaf; no structure."""
    walked = Walked()
    _pieces(walked, _REMARK.sub(lambda found: b" " * len(found.group()), source), 0)
    return walked


def _shape_of(piece: bytes) -> int:
    first = piece[:1]
    if first.isdigit():
        return int(kinds.Leaf.NUMBER)
    if first in {b'"', b"'"} and len(piece) > 1:
        return int(kinds.Leaf.TEXT)
    if first.isalpha() or first == b"_" or first >= b"\x80":
        return int(kinds.Leaf.NAME)
    return crc32(piece)


@cache
def _rules(language: str) -> dict[int, _Rule]:
    """Return the rule of each kind of node of a grammar that has one."""
    known = grammar(language)
    assert known is not None
    rules: dict[int, _Rule] = {}
    for kind in range(known.node_kind_count):
        name = known.node_kind_for_id(kind)
        if name is None or not known.node_kind_is_visible(kind):
            continue
        if known.node_kind_is_named(kind):
            rule = _named(name)
            if rule is not None:
                rules[kind] = rule
        elif name == ";" or not name.strip():
            rules[kind] = _Rule(skip=True)
        else:
            family = "=" if name in kinds.ASSIGNING else name
            rules[kind] = _Rule(shape=crc32(family.encode()))
    return rules


def _named(name: str) -> _Rule | None:
    if name in kinds.SKIPPED:
        return _Rule(skip=True)
    part = kinds.ENTERED.get(name)
    enter, leave = (int(part), int(kinds.LEFT.get(part, 0))) if part else (0, 0)
    atom = kinds.ATOMS.get(name)
    if atom:
        return _Rule(atom=int(atom), unless=kinds.UNSPLIT_ONLY_WITHOUT.get(name, ""))
    defines = name in kinds.DEFINITIONS
    nameless = name in kinds.NAMELESS
    if enter or defines or nameless:
        return _Rule(enter=enter, leave=leave, defines=defines, nameless=nameless)
    return None
