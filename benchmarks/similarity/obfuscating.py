"""Ten ways to hide a copy, applied to Java by a seed.

What comes out parses as the original does; whether it compiles is not tried, since no matcher
looks at types. Each way edits every place it can, or a seeded share of them.
"""

import random
import re
from collections.abc import Callable, Iterator

from tree_sitter import Node

from judge.similarity.grammars import parser

Edit = tuple[int, int, bytes]
_SIMPLE = {"local_variable_declaration", "expression_statement"}


def _nodes(source: bytes, *kinds: str) -> list[Node]:
    """Return all nodes of some kinds, in the order of the source."""
    found: list[Node] = []
    todo = [parser("java").parse(source).root_node]
    while todo:
        node = todo.pop()
        if node.type in kinds:
            found.append(node)
        todo.extend(reversed(node.children))
    return found


def _text(source: bytes, node: Node | None) -> bytes:
    return b"" if node is None else source[node.start_byte : node.end_byte]


def _edited(source: bytes, edits: list[Edit]) -> bytes:
    """Apply edits that do not overlap; of two that do, the first in the source wins."""
    out, at = [], 0
    for start, end, text in sorted(edits, key=lambda one: one[:2]):
        if start >= at:
            out += [source[at:start], text]
            at = end
    return b"".join([*out, source[at:]])


def rename(source: bytes, draw: random.Random) -> bytes:
    """Give every name that is declared here another one."""
    declared = set()
    for node in _nodes(source, "variable_declarator", "formal_parameter", "method_declaration"):
        declared.add(_text(source, node.child_by_field_name("name")))
    new = {name: b"q%d" % draw.randrange(10**6) for name in sorted(declared - {b"main"})}
    return _edited(
        source,
        [
            (node.start_byte, node.end_byte, new[_text(source, node)])
            for node in _nodes(source, "identifier")
            if _text(source, node) in new
        ],
    )


def reorder(source: bytes, draw: random.Random) -> bytes:
    """Shuffle the members of every class."""
    edits: list[Edit] = []
    for body in _nodes(source, "class_body"):
        members = [one for one in body.named_children if "comment" not in one.type]
        order = draw.sample(members, len(members))
        if order == members:
            order.reverse()
        edits += [
            (old.start_byte, old.end_byte, _text(source, new))
            for old, new in zip(members, order, strict=True)
        ]
    return _edited(source, edits)


def extract(source: bytes, draw: random.Random) -> bytes:
    """Move runs of statements into methods of their own."""
    edits: list[Edit] = []
    made = []
    for block in _nodes(source, "block"):
        run = block.named_children
        if len(run) < 4 or draw.random() < 0.3:
            continue
        start = draw.randrange(len(run) - 2)
        length = draw.randrange(2, min(5, len(run) - start) + 1)
        first, last = run[start], run[start + length - 1]
        name = b"part%d" % draw.randrange(10**6)
        moved = source[first.start_byte : last.end_byte]
        before = len(edits)
        edits.append((first.start_byte, last.end_byte, name + b"();"))
        if before and edits[before - 1][1] > first.start_byte:
            edits.pop()
            continue
        made.append(b"\nstatic void " + name + b"() {\n" + moved + b"\n}\n")
    bodies = _nodes(source, "class_body")
    if bodies:
        end = bodies[0].end_byte - 1
        edits.append((end, end, b"".join(made)))
    return _edited(source, edits)


def inline(source: bytes, draw: random.Random) -> bytes:
    """Put the bodies of methods where they are called, and take the methods away."""
    bodies = {}
    gone: list[Edit] = []
    for method in _nodes(source, "method_declaration"):
        name = _text(source, method.child_by_field_name("name"))
        body = _text(source, method.child_by_field_name("body"))
        if name != b"main" and 10 < len(body) < 800:
            bodies[name] = body
            if draw.random() < 0.8:
                gone.append((method.start_byte, method.end_byte, b""))
    calls: list[Edit] = []
    for statement in _nodes(source, "expression_statement", "local_variable_declaration"):
        for name, body in bodies.items():
            if re.search(rb"\b%s\s*\(" % re.escape(name), _text(source, statement)):
                calls.append((statement.start_byte, statement.start_byte, body + b"\n"))
                break
    return _edited(source, gone + calls)


def loops(source: bytes, draw: random.Random) -> bytes:
    """Write `for` as `while`, and `while` as `for`, the outermost first."""
    del draw
    edits: list[Edit] = []
    for node in _nodes(source, "for_statement", "while_statement"):
        body = _text(source, node.child_by_field_name("body"))
        if node.type == "while_statement":
            test = _text(source, node.child_by_field_name("condition"))[1:-1]
            text = b"for (; " + test + b"; ) " + body
        else:
            start = _text(source, node.child_by_field_name("init")).rstrip(b"; ")
            test = _text(source, node.child_by_field_name("condition")) or b"true"
            step = _text(source, node.child_by_field_name("update"))
            inner = body[1:-1] if body.startswith(b"{") else body
            text = b"{ %s; while (%s) {%s %s; } }" % (start, test, inner, step)
        edits.append((node.start_byte, node.end_byte, text))
    return _edited(source, edits)


def dead_code(source: bytes, draw: random.Random) -> bytes:
    """Insert statements that do nothing, one for about three."""
    edits: list[Edit] = []
    for block in _nodes(source, "block"):
        for statement in block.named_children:
            if draw.random() < 0.35:
                number = draw.randrange(1000)
                text = draw.choice(
                    (
                        b"int unused%d = %d;" % (number, number),
                        b"if (%d < 0) { System.out.println(%d); }" % (number, number),
                        b"for (int z = 0; z < 0; z++) { z += %d; }" % number,
                        b"String none%d = null;" % number,
                    )
                )
                edits.append((statement.start_byte, statement.start_byte, text + b"\n"))
    return _edited(source, edits)


def comments(source: bytes, draw: random.Random) -> bytes:
    """Flood the source with comments."""
    lines = source.split(b"\n")
    return b"\n".join(
        b"// remark %d int x = 0;\n%s /* %d */" % (draw.randrange(999), line, draw.randrange(999))
        if b"//" not in line and b"*" not in line and b'"' not in line
        else line
        for line in lines
    )


def formatting(source: bytes, draw: random.Random) -> bytes:
    """Break and join lines at every token."""
    edits: list[Edit] = []
    for node in _nodes(source, ";", "{", "}", ",", "(", ")", "binary_expression"):
        spaces = draw.choice((b"", b" ", b"\n", b"\n\t\t", b"   "))
        edits.append((node.end_byte, node.end_byte, spaces))
    return _edited(source.replace(b"\t", b" "), edits)


def literals(source: bytes, draw: random.Random) -> bytes:
    """Change numbers and texts."""
    edits: list[Edit] = []
    for node in _nodes(source, "decimal_integer_literal", "string_literal"):
        text = b"%d" % draw.randrange(10**4)
        if node.type == "string_literal":
            text = b'"t' + text + b'"'
        edits.append((node.start_byte, node.end_byte, text))
    return _edited(source, edits)


def types(source: bytes, draw: random.Random) -> bytes:
    """Change whole-number and text types for others."""
    new = {b"int": b"long", b"long": b"int", b"String": b"CharSequence", b"double": b"float"}
    return _edited(
        source,
        [
            (node.start_byte, node.end_byte, new[_text(source, node)])
            for node in _nodes(source, "integral_type", "type_identifier", "floating_point_type")
            if _text(source, node) in new and draw.random() < 0.9
        ],
    )


def split_and_merge(source: bytes, draw: random.Random) -> bytes:
    """Split declarations from their first value, and merge neighbours of one type."""
    edits: list[Edit] = []
    for node in _nodes(source, "local_variable_declaration"):
        declarators = [one for one in node.named_children if one.type == "variable_declarator"]
        kind = _text(source, node.child_by_field_name("type"))
        if node.parent is None or node.parent.type != "block" or draw.random() < 0.2:
            continue
        parts = []
        for one in declarators:
            name = _text(source, one.child_by_field_name("name"))
            value = one.child_by_field_name("value")
            parts.append(kind + b" " + name + b";")
            if value is not None and value.type != "array_initializer":
                parts.append(name + b" = " + _text(source, value) + b";")
            elif value is not None:
                parts[-1] = kind + b" " + _text(source, one) + b";"
        edits.append((node.start_byte, node.end_byte, b" ".join(parts)))
    return _edited(source, edits)


WAYS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "rename": rename,
    "reorder": reorder,
    "extract function": extract,
    "inline function": inline,
    "loop rewriting": loops,
    "dead code": dead_code,
    "comment flood": comments,
    "formatting": formatting,
    "literal changes": literals,
    "type changes": types,
    "statement split and merge": split_and_merge,
}


def all_ways(source: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield the source obfuscated in each way, on a copy with other names where it is another."""
    for name, way in WAYS.items():
        yield name, way(source, random.Random(f"{name} {seed}"))
