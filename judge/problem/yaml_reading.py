"""Reads the YAML of packages: bounded, with line numbers, and without guessing types too early.

Plain YAML loaders decide what `yes`, `010` or `12:30` is before anybody knows what was expected,
drop duplicate keys, and unfold aliases without bound. Here a scalar keeps its text, and the one
who asks says what it should be. Expected failures are `PackageError` with file and key.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import yaml

from judge.errors import PackageError
from judge.problem.findings import Findings, quoted

YAML_BYTES_MAX = 1 << 20
DEPTH_MAX = 32
NODES_MAX = 100_000

_TRUE = {"true", "yes", "on", "y"}
_FALSE = {"false", "no", "off", "n"}
_NULL = {"", "~", "null", "Null", "NULL"}
_NUMBER = re.compile(r"[+-]?(?:[0-9]*\.[0-9]+|[0-9]+\.?)(?:[eE][+-]?[0-9]{1,4})?")
_NUMBER_CHARS_MAX = 60


@dataclass(slots=True)
class Scalar:
    """A leaf; `plain` tells an unquoted one, of which an empty text is null."""

    text: str
    plain: bool

    @property
    def null(self) -> bool:
        """Tell whether this is YAML's null."""
        return self.plain and self.text in _NULL


@dataclass(slots=True)
class Sequence:
    """A list of nodes."""

    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Map:
    """Keys in order; of duplicates the last is kept."""

    items: dict[str, "Node"] = field(default_factory=dict)


Node = Scalar | Sequence | Map


def parse(data: bytes, file: str, findings: Findings) -> Node:
    """Return the root node of a YAML text; an empty or comment-only one is null."""
    if len(data) > YAML_BYTES_MAX:
        raise PackageError(f"{file}: {len(data)} bytes; at most {YAML_BYTES_MAX} are read as YAML")
    if data.startswith(b"\xef\xbb\xbf"):
        findings.warn(file, "", "starts with a byte-order mark")
        data = data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        findings.warn(file, "", "is not UTF-8; read as Latin-1")
        text = data.decode("latin-1")
    try:
        return _Builder(file, findings).build(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise PackageError(f"{file}: {_explain(error)}") from error


def load(path: Path, file: str, findings: Findings) -> Node:
    """Read a YAML file of a package; `file` is its name in messages."""
    with path.open("rb") as stream:
        return parse(stream.read(YAML_BYTES_MAX + 1), file, findings)


def _explain(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    mark = getattr(error, "problem_mark", None)
    line = f"line {mark.line + 1}: " if mark is not None else ""
    return line + " ".join(str(problem).split())


class _Builder:
    """Builds nodes from parser events with its own stack, so that depth costs no recursion."""

    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.nodes = 0
        self.stack: list[tuple[Sequence | Map, str | None, int]] = []
        self.key: str | None = None
        self.root: Node | None = None

    def build(self, events: Iterable[yaml.Event]) -> Node:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
                self.findings.warn(self.file, "", "only the first YAML document is read")
                break
            self._take(event)
        return self.root if self.root is not None else Scalar("", plain=True)

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                leaf = Scalar(event.value, plain=event.style is None and event.tag is None)
                self._add(leaf, event, 1)
                if event.anchor:
                    self.anchors[event.anchor] = (leaf, 1)
            case yaml.AliasEvent():
                anchor = event.anchor or ""
                if anchor not in self.anchors:
                    raise self._error(event, f"alias {quoted(anchor)} has no anchor")
                known, size = self.anchors[anchor]
                self._add(known, event, size)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                node, name, before = self.stack.pop()
                self.key = None
                if name:
                    self.anchors[name] = (node, self.nodes - before)
            case _:
                pass

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        node = Map() if isinstance(event, yaml.MappingStartEvent) else Sequence()
        before = self.nodes
        self._add(node, event, 1)
        if len(self.stack) >= DEPTH_MAX:
            raise self._error(event, f"nested deeper than {DEPTH_MAX}")
        self.stack.append((node, event.anchor, before))

    def _add(self, node: Node, event: yaml.Event, size: int) -> None:
        # An alias counts as often as it is used: that is what a bomb is made of.
        self.nodes += size
        if self.nodes > NODES_MAX:
            raise self._error(event, f"more than {NODES_MAX} values (aliases unfolded)")
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1][0]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif self.key is None:
            if not isinstance(node, Scalar):
                raise self._error(event, "a key must be a plain text")
            self._set_key(parent, node, event)
        else:
            parent.items[self.key] = node
            self.key = None

    def _set_key(self, parent: Map, node: Scalar, event: yaml.Event) -> None:
        self.key = node.text
        if self.key in parent.items:
            message = f"given again in line {_line(event)}; the last counts"
            self.findings.warn(self.file, self.key, message)

    def _error(self, event: yaml.Event, message: str) -> PackageError:
        return PackageError(f"{self.file}: line {_line(event)}: {message}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0


class Section:
    """A mapping whose keys are asked for one by one; `finish` reports those nobody asked for."""

    def __init__(self, node: Node, file: str, findings: Findings, where: str = "") -> None:
        self.file = file
        self.where = where
        self.findings = findings
        if isinstance(node, Scalar) and node.null:
            node = Map()
        if not isinstance(node, Map):
            raise PackageError(f"{file}: {where + ': ' if where else ''}expected keys and values")
        self._nodes = node.items
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        node = self._nodes.get(key)
        return node is not None and not (isinstance(node, Scalar) and node.null)

    def path(self, key: str) -> str:
        """Return the key with the keys above it, as messages name it."""
        return f"{self.where}.{key}" if self.where else key

    def error(self, key: str, expected: str, node: Node | None = None) -> PackageError:
        """Return the error for a key that does not hold what was expected."""
        found = node if node is not None else self._nodes.get(key)
        return PackageError(
            f"{self.file}: {self.path(key)}: expected {expected}, got {show(found)}"
        )

    def warn(self, key: str, message: str) -> None:
        """Add a warning about a key."""
        self.findings.warn(self.file, self.path(key), message)

    def node(self, key: str) -> Node | None:
        """Return what a key holds, None when it is missing or null."""
        self._asked.add(key)
        return self._nodes[key] if key in self else None

    def keys_left(self) -> Iterator[str]:
        """Yield the keys that were not asked for."""
        yield from (key for key in self._nodes if key not in self._asked)

    def finish(self, message: str = "unknown key; ignored") -> None:
        """Warn of every key that was not asked for."""
        for key in self.keys_left():
            self.warn(key, message)

    def text(self, key: str, default: str = "") -> str:
        """Return a text; numbers and dates are taken as they are written."""
        node = self.node(key)
        if node is None:
            return default
        if not isinstance(node, Scalar):
            raise self.error(key, "a text")
        return node.text.strip()

    def choice(self, key: str, values: Iterable[str], default: str) -> str:
        """Return a text that is one of `values`."""
        text = self.text(key, default)
        allowed = tuple(values)
        if text not in allowed:
            raise self.error(key, f"one of {', '.join(allowed)}")
        return text

    def number(self, key: str, expected: str = "a number") -> Fraction | None:
        """Return a finite number, exactly as written."""
        node = self.node(key)
        if node is None:
            return None
        value = parse_number(node.text) if isinstance(node, Scalar) else None
        if value is None:
            raise self.error(key, expected)
        return value

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return a truth value in any of YAML 1.1's spellings."""
        node = self.node(key)
        if node is None:
            return default
        text = node.text.strip().lower() if isinstance(node, Scalar) else ""
        if text not in _TRUE | _FALSE:
            raise self.error(key, "true or false")
        if text not in {"true", "false"}:
            self.warn(key, f"{quoted(text)} is read as {'true' if text in _TRUE else 'false'}")
        return text in _TRUE

    def strings(self, key: str) -> tuple[str, ...] | None:
        """Return a list of texts; a single text is a list of one. None when missing."""
        node = self.node(key)
        if node is None:
            return None
        if isinstance(node, Scalar):
            return (node.text,)
        if isinstance(node, Map):
            raise self.error(key, "a list of texts")
        return self.texts_of(node, key)

    def texts_of(self, node: Sequence, key: str) -> tuple[str, ...]:
        """Return the texts of a list node."""
        for item in node.items:
            if not isinstance(item, Scalar):
                raise self.error(key, "a list of texts", item)
        return tuple(item.text for item in node.items if isinstance(item, Scalar))

    def section(self, key: str) -> "Section | None":
        """Return the mapping below a key."""
        node = self.node(key)
        if node is None:
            return None
        return Section(node, self.file, self.findings, self.path(key))

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield all keys with their nodes, and take them as asked for."""
        self._asked.update(self._nodes)
        yield from self._nodes.items()


def parse_number(text: str) -> Fraction | None:
    """Read a decimal number exactly; None when it is not one or has an absurd exponent."""
    stripped = text.strip().replace("_", "")
    if len(stripped) > _NUMBER_CHARS_MAX or not _NUMBER.fullmatch(stripped):
        return None
    exponent = stripped.lower().partition("e")[2]
    return None if exponent and abs(int(exponent)) > _NUMBER_CHARS_MAX else Fraction(stripped)


def show(node: Node | None) -> str:
    """Return a node as a message shows it."""
    match node:
        case None:
            return "nothing"
        case Scalar():
            return "nothing" if node.null else quoted(node.text)
        case Sequence():
            return "a list"
        case Map():
            return "keys and values"
