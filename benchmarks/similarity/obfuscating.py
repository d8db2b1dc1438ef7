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


def nodes(language: str, source: bytes, *kinds: str) -> list[Node]:
    """Return all nodes of some kinds, in the order of the source."""
    found: list[Node] = []
    todo = [parser(language).parse(source).root_node]
    while todo:
        node = todo.pop()
        if node.type in kinds:
            found.append(node)
        todo.extend(reversed(node.children))
    return found


def _nodes(source: bytes, *kinds: str) -> list[Node]:
    return nodes("java", source, *kinds)


def text(source: bytes, node: Node | None) -> bytes:
    """Return the text of a node; nothing of none."""
    return b"" if node is None else source[node.start_byte : node.end_byte]


def edited(source: bytes, edits: list[Edit]) -> bytes:
    """Apply edits that do not overlap; of two that do, the first in the source wins."""
    out, at = [], 0
    for start, end, put in sorted(edits, key=lambda one: one[:2]):
        if start >= at:
            out += [source[at:start], put]
            at = end
    return b"".join([*out, source[at:]])


def rename(source: bytes, draw: random.Random) -> bytes:
    """Give every name that is declared here another one."""
    declared = set()
    for node in _nodes(source, "variable_declarator", "formal_parameter", "method_declaration"):
        declared.add(text(source, node.child_by_field_name("name")))
    new = {name: b"q%d" % draw.randrange(10**6) for name in sorted(declared - {b"main"})}
    return edited(
        source,
        [
            (node.start_byte, node.end_byte, new[text(source, node)])
            for node in _nodes(source, "identifier")
            if text(source, node) in new
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
            (old.start_byte, old.end_byte, text(source, new))
            for old, new in zip(members, order, strict=True)
        ]
    return edited(source, edits)


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
    return edited(source, edits)


def inline(source: bytes, draw: random.Random) -> bytes:
    """Put the bodies of methods where they are called, and take the methods away."""
    bodies = {}
    gone: list[Edit] = []
    for method in _nodes(source, "method_declaration"):
        name = text(source, method.child_by_field_name("name"))
        body = text(source, method.child_by_field_name("body"))
        if name != b"main" and 10 < len(body) < 800:
            bodies[name] = body
            if draw.random() < 0.8:
                gone.append((method.start_byte, method.end_byte, b""))
    calls: list[Edit] = []
    for statement in _nodes(source, "expression_statement", "local_variable_declaration"):
        for name, body in bodies.items():
            if re.search(rb"\b%s\s*\(" % re.escape(name), text(source, statement)):
                calls.append((statement.start_byte, statement.start_byte, body + b"\n"))
                break
    return edited(source, gone + calls)


def loops(source: bytes, draw: random.Random) -> bytes:
    """Write `for` as `while`, and `while` as `for`, the outermost first."""
    del draw
    edits: list[Edit] = []
    for node in _nodes(source, "for_statement", "while_statement"):
        body = text(source, node.child_by_field_name("body"))
        if node.type == "while_statement":
            test = text(source, node.child_by_field_name("condition"))[1:-1]
            put = b"for (; " + test + b"; ) " + body
        else:
            start = text(source, node.child_by_field_name("init")).rstrip(b"; ")
            test = text(source, node.child_by_field_name("condition")) or b"true"
            step = text(source, node.child_by_field_name("update"))
            inner = body[1:-1] if body.startswith(b"{") else body
            put = b"{ %s; while (%s) {%s %s; } }" % (start, test, inner, step)
        edits.append((node.start_byte, node.end_byte, put))
    return edited(source, edits)


def dead_code(source: bytes, draw: random.Random) -> bytes:
    """Insert statements that do nothing, one for about three."""
    edits: list[Edit] = []
    for block in _nodes(source, "block"):
        for statement in block.named_children:
            if draw.random() < 0.35:
                number = draw.randrange(1000)
                put = draw.choice(
                    (
                        b"int unused%d = %d;" % (number, number),
                        b"if (%d < 0) { System.out.println(%d); }" % (number, number),
                        b"for (int z = 0; z < 0; z++) { z += %d; }" % number,
                        b"String none%d = null;" % number,
                    )
                )
                edits.append((statement.start_byte, statement.start_byte, put + b"\n"))
    return edited(source, edits)


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
    return edited(source.replace(b"\t", b" "), edits)


def literals(source: bytes, draw: random.Random) -> bytes:
    """Change numbers and texts."""
    edits: list[Edit] = []
    for node in _nodes(source, "decimal_integer_literal", "string_literal"):
        put = b"%d" % draw.randrange(10**4)
        if node.type == "string_literal":
            put = b'"t' + put + b'"'
        edits.append((node.start_byte, node.end_byte, put))
    return edited(source, edits)


def types(source: bytes, draw: random.Random) -> bytes:
    """Change whole-number and text types for others."""
    new = {b"int": b"long", b"long": b"int", b"String": b"CharSequence", b"double": b"float"}
    return edited(
        source,
        [
            (node.start_byte, node.end_byte, new[text(source, node)])
            for node in _nodes(source, "integral_type", "type_identifier", "floating_point_type")
            if text(source, node) in new and draw.random() < 0.9
        ],
    )


def split_and_merge(source: bytes, draw: random.Random) -> bytes:
    """Split declarations from their first value, and merge neighbours of one type."""
    edits: list[Edit] = []
    for node in _nodes(source, "local_variable_declaration"):
        declarators = [one for one in node.named_children if one.type == "variable_declarator"]
        kind = text(source, node.child_by_field_name("type"))
        if node.parent is None or node.parent.type != "block" or draw.random() < 0.2:
            continue
        parts = []
        for one in declarators:
            name = text(source, one.child_by_field_name("name"))
            value = one.child_by_field_name("value")
            parts.append(kind + b" " + name + b";")
            if value is not None and value.type != "array_initializer":
                parts.append(name + b" = " + text(source, value) + b";")
            elif value is not None:
                parts[-1] = kind + b" " + text(source, one) + b";"
        edits.append((node.start_byte, node.end_byte, b" ".join(parts)))
    return edited(source, edits)


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
