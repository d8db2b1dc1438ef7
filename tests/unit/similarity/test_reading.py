"""Sources of any encoding and language become the tokens they should."""

import pytest

from judge.languages import languages
from judge.similarity import Entry, Index, Stream, compare, fingerprint, supported, vector
from judge.similarity.fingerprints import Fingerprint
from judge.similarity.kinds import Leaf, Part
from judge.similarity.reading import read
from judge.similarity.words import word

from .programs import program, renamed

# In each language the same two things: a loop over numbers with a test, and what is printed.
SAME = {
    "c": (
        "#include <stdio.h>\nint main(void) { int s = 0; for (int i = 0; i < 9; i++) "
        '{ if (i % 2) s += i; } printf("%d", s); return 0; }'
    ),
    "cpp": (
        "#include <cstdio>\nint main() { int s = 0; for (int i = 0; i < 9; i++) { if "
        '(i % 2) s += i; } printf("%d", s); return 0; }'
    ),
    "csharp": (
        "class P { static void Main() { int s = 0; for (int i = 0; i < 9; i++) { if "
        "(i % 2 == 1) s += i; } System.Console.Write(s); } }"
    ),
    "go": (
        "package main\nfunc main() { s := 0; for i := 0; i < 9; i++ { if i%2 == 1 { s "
        "+= i } }; println(s) }"
    ),
    "java": (
        "class P { public static void main(String[] a) { int s = 0; for (int i = 0; "
        "i < 9; i++) { if (i % 2 == 1) s += i; } System.out.print(s); } }"
    ),
    "javascript": ("let s = 0; for (let i = 0; i < 9; i++) { if (i % 2) s += i; } console.log(s)"),
    "kotlin": ("fun main() { var s = 0; for (i in 0..8) { if (i % 2 == 1) s += i }; println(s) }"),
    "pypy3": "s = 0\nfor i in range(9):\n    if i % 2:\n        s += i\nprint(s)",
    "python3": "s = 0\nfor i in range(9):\n    if i % 2:\n        s += i\nprint(s)",
    "rust": (
        "fn main() { let mut s = 0; for i in 0..9 { if i % 2 == 1 { s += i; } } "
        'println!("{}", s); }'
    ),
    "typescript": (
        "let s: number = 0; for (let i = 0; i < 9; i++) { if (i % 2) s += i; } console.log(s)"
    ),
}


_CAMEL = """class P {
    static int farAway(int firstOne, int lastOne) { return firstOne * 1000 - lastOne; }
    public static void main(String[] a) { System.out.print(farAway(3, 4)); }
}
"""


def test_every_language_of_the_judge_has_a_grammar() -> None:
    """None falls back to the plain lexer."""
    assert set(supported()) == set(languages()) == set(SAME)


@pytest.mark.parametrize("language", sorted(SAME))
def test_every_grammar_shows_the_structure(language: str) -> None:
    """A loop around a test around an assignment, then a call: in every language."""
    made = fingerprint(SAME[language].encode(), language)
    parts = [Part(one) for one in made.parts.tolist()]
    core = [Part.LOOP, Part.IF, Part.ASSIGN, Part.IF_END, Part.LOOP_END, Part.CALL]
    left = iter(parts)

    assert all(part in left for part in core), parts


def test_a_translation_is_weaker_evidence() -> None:
    """The same program in two languages is the nearest pair across languages, and so marked."""
    sources = {f"s{n}": (program(n, 6), "python3") for n in range(8)}
    sources |= {one: (SAME[one], one) for one in ("java", "go")}
    report = compare(
        [
            Entry(id=name, problem="p", fingerprint=fingerprint(text.encode(), language))
            for name, (text, language) in sources.items()
        ]
    )
    across = [one for one in report.pairs if one.weak]

    # On a scale of their own, so after all others.
    assert list(report.pairs[-len(across) :]) == across
    assert across[0].score > report.pairs[-len(across) - 1].score
    assert "across languages" in across[0].meaning
    assert "across languages" not in report.pairs[0].meaning
    assert (across[0].first, across[0].second) == ("go", "java")
    assert across[0].score > 2 * across[1].score
    assert not any({one.first[0], one.second[0]} == {"s"} for one in across)
    assert [one.family for one in report.problems] == [
        *("go", "java", "python"),
        "go and java and python",
    ]


def test_what_all_translations_share_is_no_evidence() -> None:
    """A pair says more where other programs are unlike it than where all are alike."""
    others = {f"s{n}": (program(n, 6), "python3") for n in range(8)}
    pair = {one: (SAME[one], one) for one in ("java", "go")}
    everybody = {one: (text, one) for one, text in SAME.items()}

    assert max(_weak(everybody)) < max(_weak(others | pair)) / 2


@pytest.mark.parametrize(
    ("shape", "same"),
    [
        (Leaf.NAME, (b"maxDepth", b"max_depth", b"MAX_DEPTH", b"_maxdepth")),
        (Leaf.NAME, (b"_",)),
        (
            Leaf.NUMBER,
            (b"1000", b"1_000", b"1'000", b"1000L", b"1000ull", b"1e3", b"0x3E8", b"1000i64"),
        ),
        (Leaf.NUMBER, (b"0.5", b"0.5f", b".5", b"5e-1")),
        (Leaf.NUMBER, (b"9" * 5000,)),
        (Leaf.NUMBER, (b"1e999",)),
        (Leaf.TEXT, (b'"Case #%d: "', b"f'Case #{n}: '", b'R"Case # :"', b'"Case #%lld:\\n"')),
        (Leaf.CHARACTER, (b"'a'", b'"a"')),
    ],
)
def test_what_a_leaf_says_in_any_language(shape: Leaf, same: tuple[bytes, ...]) -> None:
    """One word however a language writes it; another one says something else."""
    said = {word(one, int(shape)) for one in same}

    assert len(said) == 1
    assert word(b"other", int(shape)) not in said | {0}
    assert word(b"max_depth", int(Leaf.TYPE)) == word(b'"%d\\n"', int(Leaf.TEXT)) == 0


def test_a_translation_keeps_its_names_in_the_way_of_its_language() -> None:
    """`max_depth` in Python is `maxDepth` in Java, also in the stored form."""
    snake = "def far_away(first_one, last_one):\n    return first_one * 1_000 - last_one\n"
    sources = {
        "snake": (f"{snake}print(far_away(3, 4))\n", "python3"),
        "camel": (_CAMEL, "java"),
    }
    words = []
    for text, language in sources.values():
        made = fingerprint(text.encode(), language)
        assert Fingerprint.from_bytes(made.to_bytes()).words.tolist() == made.words.tolist()
        words.append(set(made.words.tolist()))

    names = (b"farAway", b"firstOne", b"lastOne")
    assert {word(one, int(Leaf.NAME)) for one in names} < words[0] & words[1]
    assert word(b"1000", int(Leaf.NUMBER)) in words[0] & words[1]


def _weak(sources: dict[str, tuple[str, str]]) -> list[float]:
    """Return the scores across languages of sources by name, with their languages."""
    entries = [
        Entry(id=name, problem="p", fingerprint=fingerprint(text.encode(), language))
        for name, (text, language) in sources.items()
    ]
    return [one.score for one in compare(entries).pairs if one.weak]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"a\r\nb\rc", "a\nb\nc"),
        ("x = 1".encode("utf-16"), "x = 1"),
        ("x = 1".encode("utf-16-le"), "x = 1"),
        (b"\xef\xbb\xbfx", "x"),
        (b"caf\xe9", "caf\xe9"),
        ("v\u0430lue".encode(), "value"),
        ("va\u200blue".encode(), "value"),
        ("\uff56alue".encode(), "value"),
    ],
)
def test_reading(source: bytes, text: str) -> None:
    """Encodings, line ends, lookalikes and invisible characters."""
    assert read(source) == text


def test_an_archive_finds_the_copy() -> None:
    """One submission against many: the copy first, also from the stored form."""
    archive = Index()
    kept = {f"s{n}": fingerprint(program(n).encode(), "python3") for n in range(60)}
    for name, made in kept.items():
        archive.add(name, made)
    asked = fingerprint(renamed(program(17)).encode(), "python3")
    for index in (archive, Index.from_bytes(archive.to_bytes())):
        found = index.search(asked, lambda names: [(name, kept[name]) for name in names])

        assert found[0].id == "s17"
        assert found[0].score > 2 * found[1].score
        index.discard("s17")
        assert "s17" not in index.candidates(asked)
    with pytest.raises(ValueError, match="index"):
        Index.from_bytes(archive.to_bytes()[:100])


def test_an_archive_parts_what_is_equal_in_what_it_uses() -> None:
    """Many programs that run the same code: the one that is the same in all else comes first."""
    used = f"{program(1, 12)}print(solve([1]))\n"
    kept = {
        f"s{n}": fingerprint(f"{program(n, 4).replace('solve', 'other')}{used}".encode(), "python3")
        for n in range(60)
    }
    archive = Index()
    for name, made in kept.items():
        archive.add(name, made)
    for name, made in kept.items():
        near = archive.search(made, lambda names: [(each, kept[each]) for each in names], limit=2)

        assert near[0].id == name
        assert near[0].score == near[1].score


def test_vectors_are_near_for_copies() -> None:
    """Length 1, the same each time, and a copy is the nearest."""
    vectors = [vector(fingerprint(program(n).encode(), "python3"), 256) for n in range(20)]
    copy = vector(fingerprint(renamed(program(5)).encode(), "python3"), 256)
    near = [float(one @ copy) for one in vectors]

    assert near.index(max(near)) == 5
    assert all(abs(float(one @ one) - 1) < 1e-5 for one in vectors)
    assert not vector(fingerprint(b"", "c")).any()


def test_files_are_read_one_after_the_other() -> None:
    """Lines count on; the order in which files come does not matter."""
    files = {"b.py": b"y = 2\n", "a.py": b"x = 1"}
    made = fingerprint(files, "python3")

    assert made.files == (("a.py", 0), ("b.py", 1))
    assert made.lines.tolist() == [1, 1, 1, 2, 2, 2]
    assert made.to_bytes() == fingerprint(dict(reversed(files.items())), "python3").to_bytes()
    assert len(made.gram_set(Stream.SPELLINGS)) == 3
