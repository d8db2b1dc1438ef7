"""The ways of `obfuscating` for Python, by its own parser: what comes out parses.

Python has ways of its own to write one thing in two: a comprehension or a loop, a lambda or a
function, with hints of types or without; they are within loops, formatting and types.
"""

import ast
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEAD = ("unused{0} = {0}", "if {0} < 0:\n    print({0})", "for z in range(0):\n    z += {0}", "none{0} = ''")  # noqa: E501  # fmt: skip


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield every list of statements, the outer ones first."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _is_import(one: ast.stmt) -> bool:
    return isinstance(one, ast.Import | ast.ImportFrom)


def rename(tree: ast.Module, draw: random.Random) -> None:
    """Give every name that is bound here another one."""
    imported = {
        (each.asname or each.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for each in node.names
    }
    bound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and not node.name.startswith("__"):
            bound.add(node.name)
    new = {name: f"q{draw.randrange(10**6)}" for name in sorted(bound - imported - {"self"})}
    for node in ast.walk(tree):
        for field in ("id", "arg", "name", "attr"):
            word = getattr(node, field, None)
            if isinstance(word, str) and word in new:
                setattr(node, field, new[word])


def reorder(tree: ast.Module, draw: random.Random) -> None:
    """Shuffle functions, and assignments that follow each other."""
    for block in _blocks(tree):
        places = [
            at for at, one in enumerate(block) if isinstance(one, (*_FUNCTIONS, ast.ClassDef))
        ]
        _shuffle(block, places, draw)
        run: list[int] = []
        for at, one in enumerate([*block, None]):
            if isinstance(one, ast.Assign):
                run.append(at)
                continue
            _shuffle(block, run, draw)
            run = []


def _shuffle(block: list[ast.stmt], places: list[int], draw: random.Random) -> None:
    if len(places) < 2:
        return
    order = draw.sample(places, len(places))
    if order == places:
        order.reverse()
    moved = [block[at] for at in order]
    for at, one in zip(places, moved, strict=True):
        block[at] = one


def extract(tree: ast.Module, draw: random.Random) -> None:
    """Move runs of statements into functions of their own."""
    made: list[ast.stmt] = []
    for block in list(_blocks(tree)):
        if len(block) < 4 or draw.random() < 0.3:
            continue
        free = [at for at, one in enumerate(block) if not _is_import(one)]
        if len(free) < 3:
            continue
        start = draw.choice(free[:-2])
        length = draw.randrange(2, min(5, len(block) - start) + 1)
        if any(isinstance(one, _FUNCTIONS) for one in block[start : start + length]):
            continue
        name = f"part{draw.randrange(10**6)}"
        made += ast.parse(f"def {name}():\n    pass").body
        made[-1].body = block[start : start + length]  # type: ignore[attr-defined]
        block[start : start + length] = ast.parse(f"{name}()").body
    at = next((at for at, one in enumerate(tree.body) if not _is_import(one)), 0)
    tree.body[at:at] = made


def inline(tree: ast.Module, draw: random.Random) -> None:
    """Put the bodies of functions where they are called, and take most functions away."""
    bodies = {
        one.name: one.body
        for one in tree.body
        if isinstance(one, ast.FunctionDef) and one.name != "main" and len(one.body) < 20
    }
    for block in list(_blocks(tree)):
        for at in range(len(block) - 1, -1, -1):
            if not isinstance(block[at], ast.Expr | ast.Assign | ast.AugAssign | ast.Return):
                continue
            called = (
                node.func.id
                for node in ast.walk(block[at])
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            )
            name = next((each for each in called if each in bodies), None)
            if name is not None:
                block[at:at] = deepcopy(bodies[name])
    gone = {name for name in bodies if draw.random() < 0.8}
    kept = [one for one in tree.body if not (isinstance(one, _FUNCTIONS) and one.name in gone)]
    tree.body[:] = kept or tree.body


class _Loops(ast.NodeTransformer):
    """`for` over a range as `while`; a comprehension that is assigned as a loop."""

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        over = node.iter
        if not (
            isinstance(over, ast.Call)
            and isinstance(over.func, ast.Name)
            and over.func.id == "range"
            and isinstance(node.target, ast.Name)
            and not node.orelse
        ):
            source = ast.unparse(node.iter)
            new: Any = ast.parse(
                f"at = 0\nrow = list({source})\nwhile at < len(row):\n    pass"
            ).body
            head = ast.parse(f"{ast.unparse(node.target)} = row[at]\nat += 1").body
            new[-1].body = head + node.body
            return new
        told = [ast.unparse(each) for each in over.args]
        first, last, by = {1: ["0", *told, "1"], 2: [*told, "1"], 3: told}[len(told)]
        name, sign = node.target.id, ">" if by.startswith("-") else "<"
        new = ast.parse(f"{name} = {first}\nwhile {name} {sign} {last}:\n    pass").body
        new[-1].body = node.body + ast.parse(f"{name} += {by}").body
        return new

    def visit_Assign(self, node: ast.Assign) -> Any:
        made = node.value
        if (
            isinstance(made, ast.ListComp)
            and len(made.generators) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            one, name = made.generators[0], node.targets[0].id
            body = f"{name}.append({ast.unparse(made.elt)})"
            for test in one.ifs:
                body = f"if {ast.unparse(test)}: {body}"
            head = f"for {ast.unparse(one.target)} in {ast.unparse(one.iter)}:"
            return ast.parse(f"{name} = []\n{head}\n    {body}").body
        return node


def loops(tree: ast.Module, draw: random.Random) -> None:
    """Write loops in other words."""
    del draw
    _Loops().visit(tree)


def dead_code(tree: ast.Module, draw: random.Random) -> None:
    """Insert statements that do nothing, one for about three."""
    for block in list(_blocks(tree)):
        for at in range(len(block) - 1, -1, -1):
            if draw.random() < 0.35:
                block[at:at] = ast.parse(draw.choice(_DEAD).format(draw.randrange(1000))).body


class _Literals(ast.NodeTransformer):
    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        return node

    def visit_Constant(self, node: ast.Constant) -> Any:
        if type(node.value) in {int, float}:
            return ast.Constant(self._draw.randrange(10**4))
        return ast.Constant(f"t{self._draw.randrange(999)}") if type(node.value) is str else node


def literals(tree: ast.Module, draw: random.Random) -> None:
    """Change numbers and texts."""
    _Literals(draw).visit(tree)


class _Types(ast.NodeTransformer):
    """Hints of types, other numbers and containers, functions for lambdas, texts put together."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def visit_arg(self, node: ast.arg) -> Any:
        kinds = ("int", "list[int]", "str", "dict[str, int]")
        node.annotation = ast.parse(self._draw.choice(kinds), mode="eval").body
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        self.generic_visit(node)
        target, made = node.targets[0], node.value
        if len(node.targets) > 1 or not isinstance(target, ast.Name):
            return node
        if isinstance(made, ast.Lambda):
            new: Any = ast.parse(f"def {target.id}():\n    return 0").body[0]
            new.args, new.body[0].value = made.args, made.body
            return new
        hint = ast.parse(self._draw.choice(("int", "list", "Any")), mode="eval").body
        return ast.AnnAssign(target=target, annotation=hint, value=made, simple=1)

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        new = {"int": "float", "list": "tuple", "set": "frozenset"}
        if isinstance(node.func, ast.Name) and self._draw.random() < 0.5:
            node.func.id = new.get(node.func.id, node.func.id)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        values = [one.value for one in node.values if isinstance(one, ast.FormattedValue)]
        called = ast.Attribute(ast.Constant("{}" * len(values)), "format", ast.Load())
        return ast.Call(called, values, [])


def types(tree: ast.Module, draw: random.Random) -> None:
    """Say of everything what it is, and of some that it is something else."""
    _Types(draw).visit(tree)


def split_and_merge(tree: ast.Module, draw: random.Random) -> None:
    """Split assignments of several, merge those that follow each other, name what is returned."""
    for block in list(_blocks(tree)):
        for at in range(len(block) - 1, -1, -1):
            one, after = block[at], block[at + 1] if at + 1 < len(block) else None
            if draw.random() < 0.2:
                continue
            if isinstance(one, ast.Return) and one.value is not None:
                block[at : at + 1] = ast.parse(f"out = {ast.unparse(one.value)}\nreturn out").body
            elif not isinstance(one, ast.Assign):
                continue
            elif isinstance(one.targets[0], ast.Tuple) and isinstance(one.value, ast.Tuple):
                parts = zip(one.targets[0].elts, one.value.elts, strict=False)
                told = (f"{ast.unparse(to)} = {ast.unparse(what)}" for to, what in parts)
                block[at : at + 1] = ast.parse("\n".join(told)).body
            elif isinstance(after, ast.Assign) and draw.random() < 0.5:
                left = f"({ast.unparse(one.targets[0])}, {ast.unparse(after.targets[0])})"
                right = f"({ast.unparse(one.value)}, {ast.unparse(after.value)})"
                block[at : at + 2] = ast.parse(f"{left} = {right}").body


def _by_tree(way: Callable[[ast.Module, random.Random], None]) -> Callable[..., bytes]:
    def made(source: bytes, draw: random.Random) -> bytes:
        tree = ast.parse(source)
        way(tree, draw)
        return ast.unparse(ast.fix_missing_locations(tree)).encode()

    return made


def plain(source: bytes) -> bytes:
    """Return the source as the ways write it when there is nothing for them to do."""
    return ast.unparse(ast.parse(source)).encode()


def comments(source: bytes, draw: random.Random) -> bytes:
    """Flood the source with comments, and each function with a text about it."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            node.body.insert(0, ast.Expr(ast.Constant(f"Remark {draw.randrange(999)}\nx = 0")))
    lines = ast.unparse(ast.fix_missing_locations(tree)).split("\n")
    return "\n".join(
        f"# remark {draw.randrange(999)} x = 0\n{line}  # {draw.randrange(999)}"
        if '"' not in line and "'" not in line and not line.endswith("\\")
        else line
        for line in lines
    ).encode()


def formatting(source: bytes, draw: random.Random) -> bytes:
    """Other indents, empty lines, statements on one line, brackets that change nothing."""
    step = draw.choice(("\t", "  ", "        "))
    out: list[str] = []
    for line in ast.unparse(ast.parse(source)).split("\n"):
        bare = line.lstrip(" ")
        depth = (len(line) - len(bare)) // 4
        plain = not bare.startswith(("@", "'", '"')) and bare.endswith(")")
        out.append(step * depth + bare + (";" if plain and draw.random() < 0.5 else ""))
        out += [""] * draw.randrange(3)
    return "\r\n".join(out).encode()


WAYS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "rename": _by_tree(rename),
    "reorder": _by_tree(reorder),
    "extract function": _by_tree(extract),
    "inline function": _by_tree(inline),
    "loop rewriting": _by_tree(loops),
    "dead code": _by_tree(dead_code),
    "comment flood": comments,
    "formatting": formatting,
    "literal changes": _by_tree(literals),
    "type changes": _by_tree(types),
    "statement split and merge": _by_tree(split_and_merge),
}
