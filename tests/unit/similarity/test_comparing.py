"""What a comparison finds and does not depend on."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge.similarity import Entry, Fingerprint, Report, Stream, compare, fingerprint, page
from judge.similarity.page import Source

from .programs import program, renamed

HEADER = (
    "import sys\n\n\ndef read_numbers():\n    return list(map(int, sys.stdin.read().split()))\n"
)


def entry(name: str, source: str, *, problem: str = "sums", author: str = "") -> Entry:
    made = fingerprint(source.encode(), "python3")
    return Entry(id=name, problem=problem, fingerprint=made, author=author)


def corpus(count: int = 11) -> list[Entry]:
    """Return independent programs of which one is copied, renamed."""
    entries = [entry(f"s{n:02}", program(n)) for n in range(count)]
    return [*entries, entry("copy", renamed(program(3)))]


def test_a_renamed_copy_stands_out_with_its_evidence() -> None:
    """Score, chance, lines, rarity and the kind of edit."""
    report = compare(corpus(), pairs_max=30)
    best, second = report.pairs[:2]

    assert (best.first, best.second) == ("copy", "s03")
    assert best.stands_out
    assert not second.stands_out
    assert best.chance is not None
    assert best.chance < 1e-5
    assert best.edits.kinds == ("renamed",)
    assert best.edits.first_covered > 0.95
    lines = len(program(3).splitlines())
    assert best.fragments[0].first_lines == best.fragments[0].second_lines == (1, lines)
    assert best.fragments[0].holders == 2
    assert report.problems[0].clusters[0].members == ("copy", "s03")


def scores(report: Report) -> dict[tuple[str, str], tuple[float, float | None]]:
    return {(one.first, one.second): (one.score, one.chance) for one in report.pairs}


def test_the_order_of_submissions_does_not_matter() -> None:
    """Shuffled, the report is the same to the last digit."""
    entries = corpus()
    shuffled = entries.copy()
    random.Random(1).shuffle(shuffled)

    assert compare(entries, pairs_max=9).to_json() == compare(shuffled, pairs_max=9).to_json()


def test_names_do_not_matter() -> None:
    """A pair scores the same whichever of the two comes first."""
    swapped = [
        entry(f"z{99 - int(one.id[1:]):02}", program(int(one.id[1:])))
        for one in corpus()
        if one.id != "copy"
    ]
    mirrored = scores(compare([*swapped, entry("copy", renamed(program(3)))], pairs_max=30))
    usual = scores(compare(corpus(), pairs_max=30))

    def there(name: str) -> str:
        return f"z{99 - int(name[1:]):02}" if name != "copy" else name

    for (first, second), (score, _) in list(usual.items())[:20]:
        one, other = sorted((there(first), there(second)))
        assert mirrored[one, other][0] == pytest.approx(score, abs=1e-6)


def test_one_person_is_no_pair() -> None:
    """Two submissions of one author are not compared with each other."""
    report = compare(
        [
            entry("a1", program(1), author="ann"),
            entry("a2", program(1), author="ann"),
            entry("b", program(2), author="bob"),
        ]
    )

    assert {(one.first, one.second) for one in report.pairs} == {("a1", "b"), ("a2", "b")}


def test_the_same_people_in_two_problems() -> None:
    """A pair tells in how many other problems the two stand out."""
    entries = []
    for problem, shift in (("p", 0), ("q", 50)):
        for n in range(12):
            source = program(shift + (3 if n == 7 else n))
            entries.append(entry(f"{problem}/{n}", source, problem=problem, author=f"u{n}"))
    out = [one for one in compare(entries, pairs_max=6).pairs if one.stands_out]

    assert sorted((one.problem, one.also) for one in out) == [("p", 1), ("q", 1)]


def test_nothing_but_the_template_is_too_short() -> None:
    """What was given is nobody's own, renamed and reformatted as well."""
    starter = HEADER + "\n\n" + program(99, 8)
    given = [starter.encode()]
    for source in (starter, renamed(starter), starter.replace("    ", "  ")):
        made = fingerprint(source.encode(), "python3", template=given)

        assert made.too_short
    both = [
        Entry(
            id=name,
            problem="p",
            fingerprint=fingerprint(starter.encode(), "python3", template=given),
        )
        for name in "ab"
    ]
    report = compare(both)

    assert not report.pairs
    assert report.problems[0].too_short == ("a", "b")


def test_few_submissions_have_no_chance_figure() -> None:
    """With three submissions nobody can say how often something comes by chance."""
    report = compare([entry(name, program(n)) for n, name in enumerate("abc")])

    assert all(one.chance is None and not one.stands_out for one in report.pairs)
    assert "too few" in report.pairs[0].meaning


@given(st.integers(0, 50), st.sampled_from(["#", "    # total = 1", ""]))
@settings(max_examples=15, deadline=None)
def test_formatting_changes_nothing(seed: int, remark: str) -> None:
    """Comments, blank lines, spaces and line ends leave every gram as it was."""
    source = program(seed)
    dressed = "\r\n\r\n".join(
        f"{line}  {remark if line.endswith(')') else ''}" for line in source.splitlines()
    ).replace(" + ", "   +\t")
    plain, other = (fingerprint(one.encode(), "python3") for one in (source, dressed))

    for stream in Stream:
        assert plain.gram_set(stream).tolist() == other.gram_set(stream).tolist()


@given(st.binary(max_size=300), st.sampled_from(["cpp", "java", "python3", "kotlin", "cobol"]))
@settings(max_examples=60, deadline=None)
def test_anything_has_a_fingerprint(source: bytes, language: str) -> None:
    """Broken code, any bytes: read, stored, read again."""
    made = fingerprint(source, language, template=[source[:50]])
    stored = made.to_bytes()

    assert Fingerprint.from_bytes(stored).to_bytes() == stored


@pytest.mark.parametrize("damage", [b"", b"CBsim", b"CBsimxx", b"x"])
def test_a_damaged_fingerprint_is_refused(damage: bytes) -> None:
    """With one kind of error, whatever the damage."""
    whole = fingerprint(program(1).encode(), "python3").to_bytes()
    for stored in (damage, whole[:-9], whole[:9] + damage + whole[11:]):
        with pytest.raises(ValueError, match="fingerprint"):
            Fingerprint.from_bytes(stored)


def test_the_page_shows_hostile_code_as_text() -> None:
    """Names and code are escaped, and the page loads nothing."""
    bad = "</li><script>alert(1)</script>\u202e\"'"
    entries = [entry(f"{n}{bad}", program(n % 2), problem=bad) for n in range(12)]
    made = page(compare(entries), lambda _: Source(text=program(1) + f"# {bad}\n"), bad)

    assert "<script" not in made
    assert "\u202e" not in made
    assert "default-src 'none'" in made
    assert "http://" not in made
    assert "https://" not in made
    assert "&lt;script&gt;" in made
