"""Macros of C and C++ hide nothing: what they stand for is read."""

import random
import re
import time

import pytest

from judge.similarity import Stream, fingerprint
from judge.similarity.conditions import compiled
from judge.similarity.macros import written_out

LOOP = "#define REP(i, a, b) for (int i = (a); i < (b); ++i) // up\n"
PROGRAM = """#include <iostream>
using namespace std;
int twice(int n) { int m = n * 2; return m + n % 7; }
int main() {
    int total = 0, n;
    cin >> n;
    for (int i = 0; i < n; i++) { if (total > 7) total -= twice(i); else total += i; }
    while (total > 7) { total = total / 2; }
    cout << total << endl;
}
"""


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (f"{LOOP}REP(k, 0, n) f(k);", "for ( int k = ( 0 ) ; k < ( n ) ; ++ k ) f ( k ) ;"),
        (
            "#define MX(a, b) a > b ? a : b\nMX(1, MX(x, 3))",
            "1 > x > 3 ? x : 3 ? 1 : x > 3 ? x : 3",
        ),
        ("#define ll long long\n#define int ll\nint x;", "long long x ;"),
        ("#define two(a) { a; \\\n  a; }\ntwo(x)", "{ x ; x ; }"),
        ("#define g(x) x + 1\n#define f g\nf(f(2)) f", "2 + 1 + 1 g"),
        ("#define go() 7\n#define no\ngo() no; go", "7 ; go"),
        ("#define x x y\nx", "x y"),
        ("#define a 1 + z\n#undef a\na", "a"),
        # What is not sure, or is no more than a name of a number, stays as it is.
        ("#define N 100\n#define M (N * 2)\nM", "M"),
        ("#ifdef L\n#define f(x) x\n#endif\nf(1)", "f ( 1 )"),
        ("#define cat(a, b) a##b\ncat(x, y)", "cat ( x , y )"),
        ("#define many(...) f(__VA_ARGS__)\nmany(1)", "many ( 1 )"),
        ("#define f(x, y) x\nf(1) f(1, 2", "f ( 1 ) f ( 1 , 2"),
        (f'{LOOP}char *s = "REP(1, 2, 3)"; // REP(1, 2, 3)\n', 'char * s = "REP(1, 2, 3)" ;'),
        (f'{LOOP}auto s = R"(REP(1, 2, 3))";', 'auto s = R"(REP(1, 2, 3))" ;'),
        ("#define f(x)\nf(1)", "f ( 1 )"),
        ("#define f(x) x\n/**/ #undef f\nf(1)", "f ( 1 )"),
        ("#define f(x) x\n#un\\\ndef f\nf(1)", "f ( 1 )"),
        ("#define f(x) x\n%:undef f\nf(1)", "f ( 1 )"),
        ('#define f(x) x\n#include "undef.h"\nf(1)', "f ( 1 )"),
        ("#define f(x) x\n#ifdef L\n#undef f\n#endif\nf(1)", "f ( 1 )"),
        ('#define f(x) x\n#pragma pop_macro("f")\nf(1)', "f ( 1 )"),
        ("#define f(x) x\n#unknown\nf(1)", "f ( 1 )"),
        ("#define f(x) x\nf(1\n#if 1\n)\n#endif\n", "f ( 1 )"),
    ],
)
def test_what_macros_stand_for(source: str, told: str) -> None:
    """As a compiler does it, where that is sure; lines stay where they are."""
    made = written_out(source.encode())
    after = fingerprint(f"{told}\n".encode(), "python3")  # any language without macros

    assert made.count(b"\n") == source.count("\n")
    lines = re.sub(r"^(/\*\*/ )?(#un\\\ndef|#|%:).*$", "", made.decode(), flags=re.MULTILINE)
    code = re.sub(r"//.*", "", lines)
    assert fingerprint(code.encode(), "python3").spellings.tolist() == after.spellings.tolist()


def test_a_copy_behind_macros_is_a_copy() -> None:
    """Keywords, names and loops under other names: the same shapes and nearly the same grams."""
    hidden = PROGRAM.replace("for (int i = 0; i < n; i++)", "UP(i, n)").replace("if (", "WHEN (")
    hidden = hidden.replace("total", "q1").replace("while", "AGAIN").replace("cout", "SAY")
    macros = (
        "#define UP(i, n) for (int i = 0; i < n; i++)\n#define WHEN if\n#define q1 total\n"
        "#define AGAIN while\n#define SAY cout\n#define UNUSED(x) while (x) { x--; }\n"
    )
    plain, behind = (fingerprint(each.encode(), "cpp") for each in (PROGRAM, macros + hidden))

    for stream in Stream:
        assert behind.gram_set(stream).tolist() == plain.gram_set(stream).tolist()
    assert behind.lines[-1] == plain.lines[-1] + 6
    # Which of two files is read first nobody knows: what stands there counts.
    apart = fingerprint({"a.h": macros.encode(), "b.cpp": hidden.encode()}, "cpp")
    assert apart.gram_set(Stream.SHAPES).tolist() != plain.gram_set(Stream.SHAPES).tolist()


JUNK = "".join(
    f"#define {name} (q{n} + z{n} [ {n} ] * 3 - w ( {n} ) )\n"
    for n, name in enumerate(("total", "twice", "i", "n"))
)

TAKEN_BACK = "".join(f"#undef {name}\n" for name in ("total", "twice", "i", "n"))


@pytest.mark.parametrize(
    "before",
    [
        f"#define Q /*\n{JUNK}*/\n",
        f"#include <vector> /*\n{JUNK}*/\n",
        f"#pragma x /*/\n{JUNK}*/\n",
        f'#define Q "/*" */*\n{JUNK}*/\n',
        f"#ifdef A\n#endif /* x */ /*\n{JUNK}*/\n",
        f"{JUNK}#if 0\n0x1'a' /* '\n#endif\n{TAKEN_BACK}#if 0\n0x1'a' */ '\n#endif\n",
    ],
)
def test_what_only_looks_like_macros_changes_nothing(before: str) -> None:
    """Each compiles, by g++ -std=gnu++20, to the program as it stands there."""
    plain, dressed = (fingerprint(each.encode(), "cpp") for each in (PROGRAM, before + PROGRAM))
    kept, all_of_it = (set(each.gram_set(Stream.SHAPES).tolist()) for each in (dressed, plain))
    assert all_of_it <= kept


@pytest.mark.parametrize(
    "source",
    [
        b"".join(b"#define a%d a%d a%d\n" % (n, n + 1, n + 1) for n in range(40)) + b"a0",
        b"#define f(x) x(x)\nf(f)(f)\n",
        b"#define f(x) f(x x x)\n#define g(x) f(x) f(x)\ng(f(f(g(g(f(1))))))\n" * 50,
        b"#define f(x) x\n" + b"f(" * 100_000,
        b"#define f(x) x\n" + b"f(" * 30_000 + b")" * 30_000,
        b"#define e\n" + b"e " * 300_000,
        b"#define f(x) x\nf(" + b"/*" * 50_000,
        b"#define f(x) x\n" + b"'\\" * 200_000,
        b"#define f(x) x " + b"/*" * 200_000 + b"\nf(1)",
        b"#if 0\n" + b"include" * 40_000,
        b"#if 0\n" + b"1" * 80_000,
        b"#if 0\n" + b"1." * 40_000 + b"'",
        b'"' * 100_000 + b"\n#define a b c\n" + b"'" * 100_000,
    ],
)
def test_no_source_takes_long(source: bytes) -> None:
    """Macros that grow without end are left as they are written."""
    begun = time.process_time()
    made = written_out(compiled(source))

    assert time.process_time() - begun < 5
    assert len(made) <= 3 * len(source) + 1000


def test_no_source_fails() -> None:
    """Whatever stands there: lines stay, and nothing is raised."""
    draw = random.Random(4)
    parts = ["#define f(x) ", "#define a ", "f(", ")", "a", "(", ",", "x", "\n", "\\\n", '"', "//",
             "#if ", "#endif", "#undef a", " ", "1", "f", "/*", "*/", "'"]  # fmt: skip
    for _ in range(3000):
        source = "".join(draw.choice(parts) for _ in range(draw.randrange(40))).encode()
        assert written_out(source).count(b"\n") == source.count(b"\n"), source
