"""What a program does not use hides no copy and makes nobody alike."""

import random

import pytest

from benchmarks.similarity.obfuscating_cpp import header
from judge.similarity import Fingerprint, Stream, fingerprint
from judge.similarity.parsing import LISTED_MAX, walk

CPP = """#include <iostream>
using namespace std;
struct Edge { int to; long long cost; };
int twice(int n) { int m = n * 2; return m + n % 7; }
int main() {
    Edge e{1, 2};
    int total = 0, n = 3;
    for (int i = 0; i < n; i++) { total += twice(i) * e.to; }
    while (total > 7) { total -= e.cost; }
    cout << total << endl;
}
"""
JUNK = (
    "int junk(int a) { return a < 2 ? 1 : junk(a - 1) + other(a); }\n"
    "int other(int a) { return junk(a); }\n"
)
PYTHON = """def twice(n):
    return n * 2 + n % 7
class Heap:
    def __init__(self):
        self.items = []
    def put(self, one):
        self.items.append(one)
heap = Heap()
for i in range(10):
    heap.put(twice(i))
print(sum(heap.items))
"""
JAVA = """class Main {
    static class Task implements Runnable, Watcher {
        public void noticed(int n) { System.out.println(n * 3 + n % 7); }
    }
    public static void main(String[] args) {
        int total = 0;
        for (int i = 0; i < 9; i++) { total += new Task().hashCode() + i; }
        new Reader() { public void heard(int n) { System.out.println(n - 4); } };
        System.out.println(total);
    }
}
"""


# Each is compiled, by g++ -std=gnu++20, with the whole program in it.
BARE = CPP.replace("#include <iostream>\n", "")
_FOOLED = f"#ifdef X\n#else\n{BARE}#endif\n"
ONLY_LOOKS_CLOSED = [
    f"// /*\n/*/\n#if 0\n*/\n{BARE}// /*\n/*/\n#endif\n*/\n",
    f'char a[] = "/*";\n/*/\n#if 0\n*/\n{BARE}char b[] = "/*";\n/*/\n#endif\n*/\n',
    f"/\\\f\n*\n#if 0\n*/\n{BARE}/\\\f\n*\n#endif\n*/\n",
    f"// \\\0\n#if 0\n{BARE}// \\\0\n#endif\n",
    f'#pragma push_macro("X")\n#define X\n#pragma pop_macro("X")\n{_FOOLED}',
    f'_Pragma("push_macro(\\"X\\")")\n#define X\n_Pragma("pop_macro(\\"X\\")")\n{_FOOLED}',
    f'#define X\n#include "undefines_x.h"\n{_FOOLED}',
    f"#define X\n/**/ #undef X\n{_FOOLED}",
    f"#define X\n%:undef X\n{_FOOLED}",
    f"#define X\n# /**/ undef X\n{_FOOLED}",
    f"#define X\n\f#undef X\n{_FOOLED}",
    f"#define X\n\\\n#undef X\n{_FOOLED}",
    f"#define X$\n{_FOOLED}",
    f"#define X\u00e9\n{_FOOLED}",
    f"#define Q '/*\n#define X\n#undef X\n#define R */'\n{_FOOLED}",
    f"#define X\n#define Q 0x1'a' /* '\n#undef X\n#define R 0x1'a' */ '\n{_FOOLED}",
    f"#if 0 /*\n*/ || 1\n{BARE}#endif\n",
    f"#if 1\n/**/ #if 0\n#else\n{BARE}#endif\n#endif\n",
    f"#if 0\n#ifdef$\n#endif\n{BARE}#if 0\n#endif$\n#endif\n",
]


def adds_nothing(one: Fingerprint, dressed: Fingerprint) -> bool:
    """Tell whether of what was put into a source nothing is compared, and its own code is."""
    for stream in (Stream.SHAPES, Stream.SPELLINGS):
        before, after = (set(each.gram_set(stream).tolist()) for each in (one, dressed))
        if after - before or len(after) < 0.8 * len(before):
            return False
    return True


@pytest.mark.parametrize(
    ("language", "source", "dressed"),
    [
        ("cpp", CPP, JUNK + CPP),
        (
            "cpp",
            CPP,
            f"#define LL long long\ntypedef long long ll;\nstruct No {{ int a; }};\n{CPP}",
        ),
        ("cpp", CPP, f"#if 0\n{JUNK}#endif\n{CPP}"),
        ("cpp", CPP, f"#define MINE\n#ifdef MINE\n{CPP}#else\n{JUNK}#endif\n"),
        ("cpp", CPP, f"#define A\n#ifndef A\n#if 1\n{JUNK}#endif\n#endif\n{CPP}"),
        ("c", CPP, f"#if 1\n{CPP}#elif X\n{JUNK}#else\n{JUNK}#endif"),
        ("python3", PYTHON, f"def no(a):\n    return [a for _ in range(a)]\n{PYTHON}"),
        (
            "python3",
            PYTHON,
            PYTHON.replace("def put", "def no(self):\n        return 1\n    def put"),
        ),
        ("java", JAVA, JAVA.replace("static class", "static int no() { return 9; } static class")),
    ],
)
def test_what_is_not_used_does_not_count(language: str, source: str, dressed: str) -> None:
    """Functions nobody calls, macros and types nobody names, branches that are not compiled."""
    plain = fingerprint(source.encode(), language)

    assert adds_nothing(plain, fingerprint(dressed.encode(), language))
    assert plain.own.all()
    assert plain.lines.tolist()[-1] == source.count("\n")


@pytest.mark.parametrize(
    ("language", "source"),
    [
        # Called by a driver that is not here.
        ("cpp", JUNK),
        ("python3", "class Solution:\n    def solve(self, a):\n        return sorted(a)[0]\n" * 2),
        # Nearly nothing would be left.
        ("cpp", f"{JUNK * 9}\nint main() {{ start(1); }}"),
    ],
)
def test_all_of_it_counts_where_no_beginning_is_known(language: str, source: str) -> None:
    """A function that a driver calls is not unused."""
    assert fingerprint(source.encode(), language).own.all()


MAIN = "int main() { int a = 1, b = 2, c = a + b; return a * b - c; }\n"
LOOPED = "struct Seen { int* begin() { return new int(7 * 3); } int* end() { return nullptr; } };\n"
BODY = "\n".join(f"    total += {n} * items[{n}] - n % {n + 2}" for n in range(12))
SCRIPT = "total = 0\nn = 3\nitems = [n] * 20\n"


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("cpp", f"#ifdef __cplusplus\n{CPP}#endif\n"),
        ("cpp", f"#define A\n#undef A\n#ifdef A\n#else\n{CPP}#endif\n"),
        ("cpp", f"#ifdef ONLINE_JUDGE\n#define A\n#endif\n#ifdef A\n#else\n{CPP}#endif\n"),
        ("cpp", f"/*\n#if 0\n*/\n{CPP}/*\n#endif\n*/\n"),
        ("cpp", f"// \\\n#if 0\n{CPP}// \\\n#endif\n"),
        ("cpp", f"/\\\n*\n#if 0\n*/\n{CPP}/*\n#endif\n*/\n"),
        ("cpp", f'auto a = R"(\n#if 0\n)";\n{CPP}auto b = R"(\n#endif\n)";\n'),
        ("cpp", f"#if 0\n%:endif\n{CPP}#if 0\n#endif\n"),
        ("cpp", f"#if 0\n/**/ #endif\n{CPP}#if 0\n#endif\n"),
        ("cpp", f"#if 0\n#end\\\nif\n{CPP}#if 0\n#endif\n"),
        *(("cpp", source) for source in ONLY_LOOKS_CLOSED),
    ],
)
def test_what_a_compiler_sees_counts(language: str, source: str) -> None:
    """Conditions that only look closed hide nothing."""
    plain, dressed = fingerprint(CPP.encode(), language), fingerprint(source.encode(), language)
    for stream in (Stream.SHAPES, Stream.SPELLINGS):
        kept, all_of_it = (set(each.gram_set(stream).tolist()) for each in (dressed, plain))
        assert len(all_of_it & kept) > 0.9 * len(all_of_it)


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("cpp", f"__attribute__((constructor)) {JUNK}{MAIN}"),
        ("cpp", f"#define GO(a, b) a##b\n{JUNK}{MAIN}"),
        ("cpp", f"#define go main\nnamespace x {{ {MAIN} }}\nint go() {{ return 9; }}\n"),
        ("cpp", f"{LOOPED}int main() {{ for (int x : Seen()) {{ x = x + 1; }} }}\n"),
        ("c", f"void *malloc(long n) {{ int a = 7; return a + n; }}\n{MAIN}"),
        ("cpp", f"[[__gnu__::constructor]] {JUNK}{MAIN}"),
        ("cpp", f"struct Made {{ Made() {{ int a = 7; a += a * 3; }} }} made;\n{MAIN}"),
        (
            "python3",
            f"{SCRIPT}class Out:\n    def write(self, a):\n        n\nprint(n, file=Out())\n",
        ),
        ("python3", f"{SCRIPT}class Work:\n{BODY}\n"),
        ("python3", f"{SCRIPT}@int\ndef work():\n{BODY}\n"),
        ("python3", f"{SCRIPT}def work(n):\n{BODY}\nglobals()['wo' + 'rk'](4)\n"),
        ("javascript", "n = { ab() { return 1; } }; n['a' + 'b'](); x = 3; y = x * x;\n"),
    ],
)
def test_what_runs_without_being_named_counts(language: str, source: str) -> None:
    """Code that is found by other ways than its name."""
    assert fingerprint(source.encode(), language).own.all()


IN_A_LINE = " ".join(JAVA.split())
NO_LINE = PYTHON.replace("\n", "\\n")


@pytest.mark.parametrize(
    ("language", "plain", "dressed"),
    [
        ("java", JAVA, f"// \\u000a {IN_A_LINE}\n"),
        ("java", JAVA, f"/* \\uu002a\\u002f {IN_A_LINE} /* */\n"),
        ("java", JAVA, JAVA.replace("for", "\\u0066or").replace("int ", "\\u0069nt ")),
        ("python3", PYTHON, f"# coding: unicode_escape\n# \\x0a{NO_LINE}"),
        ("python3", PYTHON, f"#!x\n# -*- coding=raw-unicode-escape -*-\n# \\u000a{PYTHON}"),
        ("python3", PYTHON, f"# coding: utf-7\n# +AAo-{PYTHON.replace('+', '+-')}"),
    ],
)
def test_what_a_compiler_reads_in_a_comment_counts(language: str, plain: str, dressed: str) -> None:
    """Escapes of Java, and encodings of Python, end comments where nobody sees it."""
    one, other = (fingerprint(each.encode(), language) for each in (plain, dressed))
    for stream in (Stream.SHAPES, Stream.SPELLINGS):
        kept, all_of_it = (set(each.gram_set(stream).tolist()) for each in (other, one))
        assert all_of_it <= kept
    if language == "java":
        assert other.lines.max() <= dressed.count("\n")


LOOPS = "for (int i = 0; i < n; i++) { t += i * 2 - g(i); } while (t > 7) { t = t / 2; }"
SHARP = "class P { static int g(int x) { return x + 1; } static void Main() { int t = 0; %s } }\n"
RANGES = "for (i in 0 until n) { t += i * 2 - g(i) }; while (t > 7) { t = t / 2 }; println(t)"
KOTLIN = "fun g(x: Int) = x + 1\nfun main() { val n = 9; var t = 0; %s }\n"
LISTED = "[print(t + 1) for t in [sum(i * 2 - g(i) for i in range(9))] if t > 7 and t * 2 + 5 < 90]"


@pytest.mark.parametrize(
    ("language", "plain", "dressed"),
    [
        ("csharp", SHARP % LOOPS, SHARP % f"// \u2028 {LOOPS}\n"),
        ("csharp", SHARP % LOOPS, SHARP % f"// \u0085 {LOOPS}\n"),
        ("csharp", SHARP % LOOPS, SHARP % f'var z = $"{{U(() => {{ {LOOPS} return 1; }})}}";'),
        ("kotlin", KOTLIN % RANGES, KOTLIN % f'val z = "${{run {{ {RANGES} }}}}"'),
        ("kotlin", KOTLIN % RANGES, KOTLIN % f'val z = """${{run {{ {RANGES} }}}}"""'),
        ("python3", f"g = abs\n{LISTED}\n", f"g = abs\nz = '' f'{{{LISTED}}}'\n"),
    ],
)
def test_code_within_a_text_counts(language: str, plain: str, dressed: str) -> None:
    """And what follows a comment that ends as C# has lines end."""
    one, other = (fingerprint(each.encode(), language) for each in (plain, dressed))
    kept, all_of_it = (set(each.gram_set(Stream.SHAPES).tolist()) for each in (other, one))
    assert len(all_of_it & kept) > 0.7 * len(all_of_it)


@pytest.mark.parametrize(
    ("language", "main", "source", "first", "last"),
    [
        ("cpp", "main.cpp", CPP, "a.h:/*", "z.h:*/"),
        ("cpp", "main.cpp", CPP, "a.h:#if 0", "z.h:#endif"),
        ("cpp", "main.cpp", CPP, 'a.h:auto a = R"(', 'z.h:)";'),
        ("python3", "main.py", PYTHON, 'a.py:"""', 'z.py:"""'),
        ("java", "Main.java", JAVA, "A.txt:/*", "Z.txt:*/"),
    ],
)
def test_what_one_file_begins_hides_no_other(
    language: str, main: str, source: str, first: str, last: str
) -> None:
    """A compiler reads them one by one, and some not at all."""
    pairs = (each.split(":") for each in (first, last))
    files = {main: source.encode()} | {name: text.encode() for name, text in pairs}
    plain, dressed = fingerprint(source.encode(), language), fingerprint(files, language)
    for stream in Stream:
        assert set(plain.gram_set(stream).tolist()) <= set(dressed.gram_set(stream).tolist())


def test_a_header_hides_no_copy_and_is_none() -> None:
    """Of a contestant's header counts what is used."""
    dressed = fingerprint(header(CPP.encode(), random.Random(1)), "cpp")
    plain = fingerprint(CPP.encode(), "cpp")

    assert len(dressed.own) - dressed.own_tokens > plain.own_tokens


def test_of_a_long_table_the_beginning_counts() -> None:
    """Numbers without end would outweigh the program."""
    table = ", ".join(str(each) for each in range(5000))
    walked, lines = walk(f"t = [{table}]\nprint(len(t) + 1)\n", "python3")

    assert len(walked.spellings) < LISTED_MAX + 20
    assert lines.tolist()[-1] == 2
