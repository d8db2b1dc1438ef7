"""Corpora of any size: programs of about 60 lines made of the methods of real ones, by a seed."""

import random
from pathlib import Path

from benchmarks.similarity.sets import files
from judge.similarity.grammars import parser

LINES = 60


def methods(directory: Path) -> list[bytes]:
    """Return the methods of the Java files of a set."""
    found: list[bytes] = []
    for path in files(directory):
        source = path.read_bytes()
        todo = [parser("java").parse(source).root_node]
        while todo:
            node = todo.pop()
            if node.type == "method_declaration":
                found.append(source[node.start_byte : node.end_byte])
            else:
                todo.extend(node.children)
    return sorted(set(found))


def program(pool: list[bytes], seed: int) -> bytes:
    """Return one program; another seed makes another one."""
    draw = random.Random(seed)
    body: list[bytes] = []
    lines = 0
    while lines < LINES - 5:
        one = draw.choice(pool)
        if lines + one.count(b"\n") < LINES + 10:
            body.append(one)
            lines += one.count(b"\n") + 1
    return b"class P%d {\n%s\n}\n" % (seed, b"\n".join(body))
