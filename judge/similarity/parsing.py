"""From text to token streams, by tree-sitter where we have the grammar, else by a plain lexer.

Broken code is walked like any other: a grammar's error nodes have children too.
The walk is a loop over a cursor, so that no nesting of a hostile source overflows a stack.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from time import thread_time
from zlib import crc32

import numpy as np
from tree_sitter import Node, Tree

from judge.similarity import kinds
from judge.similarity.arrays import Array
from judge.similarity.grammars import grammar, parser

TOKENS_MAX = 200_000
# Processor time; a source of 60 lines takes a thousandth of it.
PARSING_S_MAX = 2.0

_PIECE_BYTES = 1024
_PIECE = re.compile(
    rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*|\d[\w.]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|\S"
)
_REMARK = re.compile(rb"/\*.*?\*/|//[^\n]*|(?m:^\s*#[^\n]*$)", re.DOTALL)


@dataclass(slots=True)
class Walked:
    """The leaves of a source in order, and the structural tokens between them."""

    spellings: list[int] = field(default_factory=list)
    shapes: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    part_at: list[int] = field(default_factory=list)

    def add(self, text: bytes, shape: int, start: int) -> None:
        """Append a leaf."""
        self.spellings.append(crc32(text))
        self.shapes.append(shape)
        self.starts.append(start)

    def mark(self, part: int) -> None:
        """Append a structural token before the next leaf."""
        self.parts.append(part)
        self.part_at.append(len(self.spellings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What to do at a node: skip it, take it whole as a leaf, mark its begin and end."""

    skip: bool = False
    atom: int = 0
    shape: int = 0
    enter: int = 0
    leave: int = 0
    unless: str = ""


def walk(text: str, language: str) -> tuple[Walked, Array]:
    """Return the streams of a text and the first line (from 1) of each leaf."""
    source = text.encode("utf-8")
    walked = (_parsed(source, language) if grammar(language) else None) or _lexed(source)
    breaks = np.flatnonzero(np.frombuffer(source, dtype=np.uint8) == 10)
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
    leaving: list[int] = []
    while len(walked.spellings) < TOKENS_MAX:
        node = cursor.node
        assert node is not None
        rule = rules.get(node.kind_id, plain)
        if not rule.skip:
            if rule.enter:
                walked.mark(rule.enter)
            if not _leaf(walked, source, node, rule) and cursor.goto_first_child():
                leaving.append(rule.leave)
                continue
            if rule.leave:
                walked.mark(rule.leave)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return walked
            part = leaving.pop()
            if part:
                walked.mark(part)
    return walked


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
        if rule.unless and any(child.type == rule.unless for child in node.children):
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


def _pieces(walked: Walked, text: bytes, offset: int) -> None:
    for found in _PIECE.finditer(text):
        piece = found.group()
        walked.add(piece, _shape_of(piece), offset + found.start())
        if len(walked.spellings) >= TOKENS_MAX:
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
    if enter:
        return _Rule(enter=enter, leave=leave)
    return None
