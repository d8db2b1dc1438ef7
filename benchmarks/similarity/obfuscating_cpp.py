"""The ways of `obfuscating` for C++, and one more: the macros and the header of a contestant.

What comes out parses about as the original does; programs with macros of their own do not always
parse to begin with.
"""

import random
import re
from collections.abc import Callable

from tree_sitter import Node

from benchmarks.similarity.obfuscating import edited, nodes, text

Edit = tuple[int, int, bytes]
_KEPT = {b"main", b"cin", b"cout", b"endl", b"std"}
_FIXED = ("preproc", "using", "comment", "type_definition", "alias", "namespace_alias")
_HEADER = b"""#include <bits/stdc++.h>
#pragma GCC optimize("O3,unroll-loops")
using namespace std;
#define all(x) (x).begin(), (x).end()
#define sz(x) (int)(x).size()
#define REP(i, a, b) for (int i = (a); i < (b); ++i)
#define pb push_back
#define mp make_pair
#define F first
#define S second
typedef long long ll;
typedef pair<int, int> pii;
typedef vector<int> vi;
const ll INF = 1e18;
const int MOD = 1000000007;
template <class A, class B> ostream &operator<<(ostream &os, const pair<A, B> &p) {
    return os << '(' << p.first << ", " << p.second << ')';
}
template <class T> bool chmin(T &a, const T &b) { return b < a ? a = b, true : false; }
template <class T> bool chmax(T &a, const T &b) { return a < b ? a = b, true : false; }
inline int readInt() {
    int x = 0, c = getchar(), s = 1;
    while (c < '0' || c > '9') { if (c == '-') s = -1; c = getchar(); }
    while (c >= '0' && c <= '9') { x = x * 10 + c - '0'; c = getchar(); }
    return x * s;
}
ll power(ll a, ll e) { ll r = 1; while (e) { if (e & 1) r = r * a % MOD; a = a * a % MOD; e >>= 1; } return r; }
"""  # noqa: E501
_SHORT = {b"push_back": b"pb", b"make_pair": b"mp", b"first": b"F", b"second": b"S"}
_COUNTING = re.compile(
    rb"\bfor\s*\(\s*(?:int|long long|ll|size_t)\s+(\w+)\s*=\s*(\w+)\s*;\s*\1\s*<\s*([\w.()]+)\s*;"
    rb"\s*(?:\+\+\s*\1|\1\s*\+\+|\1\s*\+=\s*1)\s*\)"
)
_KEYWORDS = (b"for", b"if", b"return", b"while", b"int", b"else")
_CALLED = b"""#define LOOP(a, b, c) for (int a = b; a < c; ++a)
#define PUT(x, y) x.push_back(y)
#define WHEN(c) if (c)
#define GIVE(x) return x
#define READ(x) cin >> x
#define SHOW(x) cout << x << endl"""
_CALLS = (
    (_COUNTING, rb"LOOP(\1, \2, \3)"),
    (re.compile(rb"(\w+)\.push_back\(((?:[^()]|\([^()]*\))*)\)"), rb"PUT(\1, \2)"),
    (re.compile(rb"\bif\s*(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))"), rb"WHEN\1"),
    (re.compile(rb"\breturn\s+([^;{}]+);"), rb"GIVE(\1);"),
    (re.compile(rb"\bcin\s*>>\s*([\w.\[\]]+)\s*;"), rb"READ(\1);"),
    (re.compile(rb"\bcout\s*<<\s*([\w.\[\]]+)\s*<<\s*(?:endl|\"\\n\")\s*;"), rb"SHOW(\1);"),
)


def _all(source: bytes, *kinds: str) -> list[Node]:
    return nodes("cpp", source, *kinds)


def _declared(node: Node | None) -> Node | None:
    """Return the name within a declarator."""
    while node is not None and node.type not in {"identifier", "field_identifier"}:
        inner = node.child_by_field_name("declarator")
        node = inner or next(
            (one for one in node.named_children if one.type.endswith(("declarator", "identifier"))),
            None,
        )
    return node


def rename(source: bytes, draw: random.Random) -> bytes:
    """Give every name that is declared here another one, within macros too."""
    names = set()
    for node in _all(
        source, "declaration", "init_declarator", "parameter_declaration", "function_definition",
        "field_declaration", "for_range_loop",
    ):  # fmt: skip
        for one in node.children_by_field_name("declarator"):
            names.add(text(source, _declared(one)))
    for node in _all(source, "preproc_def", "preproc_function_def"):
        names.add(text(source, node.child_by_field_name("name")))
    names -= _KEPT | {b""}
    new = {name: b"q%d" % draw.randrange(10**6) for name in sorted(names)}
    edits: list[Edit] = []
    for node in _all(source, "identifier", "field_identifier", "type_identifier"):
        word = text(source, node)
        if word in new:
            edits.append((node.start_byte, node.end_byte, new[word]))
    for node in _all(source, "preproc_arg"):
        changed = re.sub(
            rb"\b[A-Za-z_]\w*\b",
            lambda found: new.get(found.group(), found.group()),
            text(source, node),
        )
        edits.append((node.start_byte, node.end_byte, changed))
    return edited(source, edits)


def reorder(source: bytes, draw: random.Random) -> bytes:
    """Shuffle functions and members, and declarations that follow each other."""
    edits: list[Edit] = []

    def shuffle(run: list[Node]) -> None:
        order = draw.sample(run, len(run))
        if order == run:
            order.reverse()
        edits.extend(
            (old.start_byte, old.end_byte, text(source, new))
            for old, new in zip(run, order, strict=True)
        )

    for body in _all(source, "translation_unit", "field_declaration_list"):
        shuffle([one for one in body.named_children if not one.type.startswith(_FIXED)])
    for block in _all(source, "compound_statement"):
        run: list[Node] = []
        for one in [*block.named_children, None]:
            if one is not None and one.type == "declaration":
                run.append(one)
                continue
            if len(run) > 1 and not _covered(edits, run[0]):
                shuffle(run)
            run = []
    return edited(source, edits)


def _covered(edits: list[Edit], node: Node) -> bool:
    """Tell whether a node lies within what is edited already and is not alone there."""
    around = [one for one in edits if one[0] <= node.start_byte < one[1]]
    return len(edits) > 1 and bool(around)


def extract(source: bytes, draw: random.Random) -> bytes:
    """Move runs of statements into functions of their own."""
    edits: list[Edit] = []
    made = []
    for block in _all(source, "compound_statement"):
        run = [one for one in block.named_children if one.type != "comment"]
        if len(run) < 4 or draw.random() < 0.3:
            continue
        start = draw.randrange(len(run) - 2)
        length = draw.randrange(2, min(5, len(run) - start) + 1)
        first, last = run[start], run[start + length - 1]
        if edits and edits[-1][1] > first.start_byte:
            continue
        name = b"part%d" % draw.randrange(10**6)
        edits.append((first.start_byte, last.end_byte, name + b"();"))
        moved = source[first.start_byte : last.end_byte]
        made.append(b"void " + name + b"() {\n" + moved + b"\n}\n")
    functions = [
        one for one in _all(source, "function_definition")
        if one.parent is not None and one.parent.type == "translation_unit"
    ]  # fmt: skip
    if functions:
        at = functions[0].start_byte
        edits.append((at, at, b"".join(made)))
    return edited(source, edits)


def inline(source: bytes, draw: random.Random) -> bytes:
    """Put the bodies of functions where they are called, and take the functions away."""
    bodies: dict[bytes, bytes] = {}
    gone: list[Edit] = []
    for node in _all(source, "function_definition"):
        name = text(source, _declared(node.child_by_field_name("declarator")))
        body = text(source, node.child_by_field_name("body"))
        if name and name != b"main" and 10 < len(body) < 800:
            bodies[name] = body
            if draw.random() < 0.8:
                gone.append((node.start_byte, node.end_byte, b""))
    calls: list[Edit] = []
    for statement in _all(source, "expression_statement", "declaration"):
        if statement.parent is None or statement.parent.type != "compound_statement":
            continue
        for name, body in bodies.items():
            if re.search(rb"\b%s\s*\(" % re.escape(name), text(source, statement)):
                calls.append((statement.start_byte, statement.start_byte, body + b"\n"))
                break
    return edited(source, gone + calls)


def loops(source: bytes, draw: random.Random) -> bytes:
    """Write `for` as `while`, `while` as `for`, and ranges by iterators, the outermost first."""
    del draw
    edits: list[Edit] = []
    for node in _all(source, "for_statement", "while_statement", "for_range_loop"):
        body = text(source, node.child_by_field_name("body"))
        inner = body[1:-1] if body.startswith(b"{") else body
        if node.type == "while_statement":
            test = text(source, node.child_by_field_name("condition"))[1:-1]
            new = b"for (; " + test + b"; ) " + body
        elif node.type == "for_range_loop":
            before = text(source, node.child_by_field_name("type"))
            name = text(source, node.child_by_field_name("declarator"))
            over = text(source, node.child_by_field_name("right"))
            new = b"for (auto it = begin(%s); it != end(%s); ++it) { %s %s = *it; %s }" % (
                over, over, before, name, inner,
            )  # fmt: skip
        else:
            start = text(source, node.child_by_field_name("initializer")).rstrip(b"; ")
            test = text(source, node.child_by_field_name("condition")) or b"true"
            step = text(source, node.child_by_field_name("update"))
            new = b"{ %s; while (%s) {%s %s; } }" % (start, test, inner, step)
        edits.append((node.start_byte, node.end_byte, new))
    return edited(source, edits)


def dead_code(source: bytes, draw: random.Random) -> bytes:
    """Insert statements that do nothing, one for about three."""
    edits: list[Edit] = []
    for block in _all(source, "compound_statement"):
        for statement in block.named_children:
            if draw.random() < 0.35:
                number = draw.randrange(1000)
                new = draw.choice(
                    (
                        b"int unused%d = %d;" % (number, number),
                        b"if (%d < 0) { cerr << %d; }" % (number, number),
                        b"for (int z = 0; z < 0; z++) { z += %d; }" % number,
                        b"string none%d;" % number,
                    )
                )
                edits.append((statement.start_byte, statement.start_byte, new + b"\n"))
    return edited(source, edits)


def comments(source: bytes, draw: random.Random) -> bytes:
    """Flood the source with comments."""
    return b"\n".join(
        b"// remark %d int x = 0;\n%s /* %d */" % (draw.randrange(999), line, draw.randrange(999))
        if not re.search(rb'//|\*|"|#|\\$', line)
        else line
        for line in source.split(b"\n")
    )


def formatting(source: bytes, draw: random.Random) -> bytes:
    """Break and join lines at every token outside of directives."""
    edits: list[Edit] = []
    for node in _all(source, ";", "{", "}", ",", "(", ")", "binary_expression"):
        line = source[source.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte + 1]
        if line.lstrip().startswith(b"#") or b"\\\n" in source:
            continue
        spaces = draw.choice((b"", b" ", b"\n", b"\n\t\t", b"   "))
        edits.append((node.end_byte, node.end_byte, spaces))
    return edited(source.replace(b"\t", b" "), edits)


def literals(source: bytes, draw: random.Random) -> bytes:
    """Change numbers and texts."""
    edits: list[Edit] = []
    for node in _all(source, "number_literal", "string_literal"):
        if node.parent is not None and node.parent.type.startswith("preproc"):
            continue
        new = b"%d" % draw.randrange(10**4)
        if node.type == "string_literal":
            new = b'"t' + new + b'"'
        edits.append((node.start_byte, node.end_byte, new))
    return edited(source, edits)


def types(source: bytes, draw: random.Random) -> bytes:
    """Change types of numbers and containers for others."""
    new = {
        b"int": b"long long", b"long long": b"int", b"ll": b"int", b"double": b"long double",
        b"bool": b"char", b"vector": b"deque", b"map": b"unordered_map", b"set": b"multiset",
    }  # fmt: skip
    kinds = ("primitive_type", "type_identifier", "sized_type_specifier")
    return edited(
        source,
        [
            (node.start_byte, node.end_byte, new[text(source, node)])
            for node in _all(source, *kinds)
            if text(source, node) in new
            and draw.random() < 0.9
            and not (node.parent is not None and node.parent.type == "function_definition")
        ],
    )


def split_and_merge(source: bytes, draw: random.Random) -> bytes:
    """Split declarations from their first value, and each name from its neighbours."""
    edits: list[Edit] = []
    for node in _all(source, "declaration"):
        if node.parent is None or node.parent.type != "compound_statement" or draw.random() < 0.2:
            continue
        kind = text(source, node.child_by_field_name("type"))
        parts = []
        for one in node.children_by_field_name("declarator"):
            value, name = one.child_by_field_name("value"), one.child_by_field_name("declarator")
            if one.type == "init_declarator" and name is not None and name.type == "identifier":
                parts.append(kind + b" " + text(source, name) + b";")
                if value is not None and value.type not in {"argument_list", "initializer_list"}:
                    parts.append(text(source, name) + b" = " + text(source, value) + b";")
                    continue
                parts.pop()
            parts.append(kind + b" " + text(source, one) + b";")
        edits.append((node.start_byte, node.end_byte, b" ".join(parts)))
    return edited(source, edits)


def header(source: bytes, draw: random.Random) -> bytes:
    """Put a contestant's header before it, and write with its macros."""
    del draw
    kept = b"\n".join(
        line for line in source.split(b"\n")
        if not re.match(rb"\s*(#\s*include|using namespace)", line)
    )  # fmt: skip
    short = re.sub(
        rb"\b(?:push_back|make_pair|first|second)\b", lambda found: _SHORT[found.group()], kept
    )
    return _HEADER + _COUNTING.sub(rb"REP(\1, \2, \3)", short)


def behind_names(source: bytes, draw: random.Random) -> bytes:
    """Write keywords and half of the names by macros that stand for them."""
    found = {text(source, node) for node in _all(source, "identifier", "field_identifier")}
    defined = re.findall(rb"#\s*define\s+(\w+)", source)
    names = sorted(found - {b"main", *defined})
    hidden = [*draw.sample(names, len(names) // 2), *_KEYWORDS]
    new = {word: b"m%d" % draw.randrange(10**6) for word in hidden}
    lines = [
        line
        if line.lstrip().startswith(b"#") or b'"' in line
        else re.sub(rb"[A-Za-z_]\w*", lambda found: new.get(found.group(), found.group()), line)
        for line in source.split(b"\n")
    ]
    return _below_includes(lines, [b"#define %s %s" % (new[word], word) for word in hidden])


def behind_calls(source: bytes, draw: random.Random) -> bytes:
    """Write loops, tests, results, reading and writing as calls of macros."""
    del draw
    for pattern, call in _CALLS:
        source = pattern.sub(call, source)
    return _below_includes(source.split(b"\n"), [_CALLED])


def _below_includes(lines: list[bytes], put: list[bytes]) -> bytes:
    last = max((at for at, line in enumerate(lines) if b"#include" in line), default=-1) + 1
    return b"\n".join([*lines[:last], *put, *lines[last:]])


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
    "header and macros": header,
    "names behind macros": behind_names,
    "statements behind macros": behind_calls,
}
