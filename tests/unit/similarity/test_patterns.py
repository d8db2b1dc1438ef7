"""Solutions come together by approach, whatever their language, names and order."""

import random
import re
import time
from dataclasses import replace

import pytest

from judge.similarity import fingerprint, patterns
from judge.similarity.closeness import Approach, closest, shared
from judge.similarity.features import WEIGHTS, Feature
from judge.similarity.featuring import features
from judge.similarity.following import Earlier, follow
from judge.similarity.patterns import Member, Pattern, Solution, Weights

from .approaches import GOLDEN, label, language_of, programs, solution, solutions

NAMES = {
    "brackets": {"stack": "stack", "recursion": "recursion inside a loop", "replace": "loop"},
    "kth": {"sort": "sort, no loop", "select": "halving, branching recursion", "heap": "heap"},
    "lis": {
        "bisect": "binary search",
        "table": "table of earlier results",
        "brute": "branching recursion",
    },
    "fibonacci": {
        "memo": "memoised results",
        "table": "table of earlier results",
        "brute": "branching recursion",
        "rolling": "rolling variables",
    },
    "knapsack": {
        "table": "table of earlier results",
        "memo": "memoised results",
        "masks": "bit masks, nested loops",
        "brute": "branching recursion",
    },
    "two-sum": {"map": "map", "pairs": "nested loops", "pointers": "sort, two pointers"},
}


@pytest.mark.parametrize("problem", sorted(path.stem for path in GOLDEN.glob("*.txt")))
def test_solutions_come_together_by_approach(problem: str) -> None:
    """One pattern for each label, of all languages, and with a name that says what it does."""
    given = list(solutions(problem))
    found = patterns.patterns(given)

    assert {each.name: {label(one.id) for one in each.members} for each in found} == {
        name: {approach} for approach, name in NAMES[problem].items()
    }
    assert sum(each.share for each in found) == pytest.approx(1, abs=1e-5)
    for each in found:
        assert len({language_of(one.id) for one in each.members}) > 1, each.name
        assert each.medoid in {one.id for one in each.members}


def test_the_order_of_solutions_does_not_matter() -> None:
    """Also when there are more variants than are clustered."""
    given = [
        replace(one, id=f"{problem}/{one.id}")
        for problem in sorted(NAMES)
        for one in solutions(problem)
    ]
    draw = random.Random(7)
    for most in (patterns.VARIANTS_MAX, 6):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(patterns, "VARIANTS_MAX", most)
            first = patterns.patterns(given)
            for _ in range(5):
                draw.shuffle(given)
                assert patterns.patterns(given) == first
    assert sum(len(each.members) for each in first) == len(given)


@pytest.mark.parametrize("problem", sorted(NAMES))
def test_features_survive_renaming(problem: str) -> None:
    """Other names, and blank lines between."""
    for name, source in programs(problem).items():
        words = re.compile(r"\b(best|memo|dp|row|fib|values?|weights?|left|right|n|i|j)\b")
        other = words.sub(lambda found: found[0] + "_renamed", source).replace("\n", "\n\n")
        assert solution(name, other).features == solution(name, source).features, name


def test_what_everybody_was_given_is_no_approach() -> None:
    """A loop and a map of the starter code are nobody's."""
    starter = "known = {}\nfor line in open(0):\n    known[line] = sorted(known.get(line, line))\n"
    own = "def f(n):\n    return 1 if n < 2 else f(n - 1) + f(n - 2)\n\n\nprint(f(int(input())))\n"
    one = fingerprint((starter + own).encode(), "python3", template=[starter.encode()])

    assert features(one) == {Feature.RECURSION, Feature.BRANCHING}


@pytest.mark.parametrize(
    ("language", "source", "wanted", "unwanted"),
    [
        ("python3", "for x in a:\n    c[x] = c[x] + 1\n", "loop", "table of earlier results"),
        ("cpp", "int main() { int n; cin >> n; cout << 1 << n; }", "no loop", "bit masks"),
        ("java", "class A { void f() { while (l < r) { int m = (l + r) / 2; } } }",
         "binary search", "halving"),
        ("go", "func p(b, e int) int {\n for e > 0 {\n e = e / 2\n }\n return b\n}",
         "halving", "binary search"),
        ("javascript", "const f = (n) => { return n < 2 ? n : f(n - 1) + f(n - 2); };",
         "branching recursion", "memoised results"),
        ("rust", "fn f(u: usize) { used[u] = true; for v in 0..n { f(v); } used[u] = false; }",
         "recursion inside a loop", "memoised results"),
        ("kotlin", "fun a(n: Int): Int { return b(n - 1) }\nfun b(n: Int): Int { return a(n) }",
         "recursion", "branching recursion"),
        ("csharp", "class A { void F() { var q = new Queue<int>(); while (q.Count > 0) { } } }",
         "queue", "stack"),
        ("python3", "for c in s:\n    if c:\n        a.append(c)\n    else:\n        a.pop()\n",
         "stack", "queue"),
        ("java", "class A { void f() { var q = new ArrayDeque<>(); q.add(1); q.poll(); } }",
         "queue", "stack"),
        ("c", "int p(int x) { while (x--) { } }\nint main() { for (;;) p(3); }",
         "nested loops", "three nested loops"),
        ("javascript", "for (const x of a) { seen[x] = true; }", "marks in an array", "2-d array"),
        ("python3", "while a != b:\n    p[x] = p[p[x]]\n", "links followed in an array", "sort"),
        ("python3", "def f(", "no loop", "recursion"),
        ("c", "", "no loop", "recursion"),
    ],
)  # fmt: skip
def test_what_programs_do(language: str, source: str, wanted: str, unwanted: str) -> None:
    """Features, and what looks like them and is not."""
    found = features(fingerprint(source.encode(), language))

    assert Feature(wanted) in found
    assert Feature(unwanted) not in found


def test_hostile_sources_are_read() -> None:
    """Whatever it is, and in bounded time."""
    nested = "for i in a:\n" + "".join(" " * n + "for i in a:\n" for n in range(1, 90))
    lambdas, calls = "f = lambda x:" * 1500, "def f(n): f(f(n))\n" * 1500
    for source in (nested, lambdas, "a[" * 3000, calls):
        one = fingerprint(source.encode(), "python3")
        began = time.thread_time()
        features(one)
        assert time.thread_time() - began < 2


def member(name: str) -> Member:
    return Member(id=name, features=frozenset({Feature.MAP}), distance=0.0)


def pattern(*members: str) -> Pattern:
    return Pattern(
        name="",
        medoid=members[0],
        features=(),
        counts={},
        share=0,
        members=tuple(map(member, members)),
    )


@pytest.mark.parametrize(
    ("earlier", "now", "wanted"),
    [
        ([("p", "a", "abc", False)], ["abcd"], {0: "p"}),
        ([("p", "a", "abcd", False)], ["a", "bcd"], {1: "p"}),
        ([("p", "a", "abc", True), ("q", "d", "defgh", False)], ["abcdefgh"], {0: "p"}),
        ([("p", "a", "abc", False), ("q", "d", "defgh", False)], ["abcdefgh"], {0: "q"}),
        ([("p", "a", "ab", False), ("q", "c", "cd", False)], ["cdx", "aby"], {0: "q", 1: "p"}),
        ([("p", "a", "", True)], ["xa", "yz"], {0: "p"}),
        ([("p", "a", "abcdef", True)], ["cd", "ab", "ef"], {1: "p"}),
        ([("p", "z", "abcdef", True)], ["cd", "ab", "ef"], {}),
        ([("p", "z", "", True)], ["a"], {}),
    ],
)
def test_patterns_are_followed(
    earlier: list[tuple[str, str, str, bool]], now: list[str], wanted: dict[int, str]
) -> None:
    """By what they share; what people marked goes first."""
    before = [Earlier(id=i, medoid=m, members=tuple(of), marked=k) for i, m, of, k in earlier]

    assert follow(before, [pattern(*each) for each in now]) == wanted


def test_the_closest_approach_is_told_feature_by_feature() -> None:
    """The sum of what is told is the closeness; where lines are alike is told beside it."""
    given = {one.id: one for one in solutions("knapsack")}
    weights = Weights.of(list(given.values()))
    approaches = [
        Approach(
            id=each.name,
            medoid=frozenset(each.features),
            variants={one.features: one.id for one in each.members},
        )
        for each in patterns.patterns(list(given.values()))
    ]
    right = programs("knapsack")
    wrong = right["table-3.cpp"].replace("for (int j = W; j >= w; j--)", "int j = W;")
    one = solution("table-3.cpp", wrong)
    best = closest(one.features, approaches, weights)

    assert best is not None
    assert best.approach == "table of earlier results"
    assert Feature.TABLE in best.matched
    matched = sum(best.weights[each] for each in best.matched)
    assert best.closeness == pytest.approx(matched / sum(best.weights.values()), abs=1e-3)
    assert 0.7 < best.closeness < 1
    assert closest(frozenset(), approaches, weights) is None
    assert closest(one.features, [], weights) is None

    prints = {name: fingerprint(each.encode(), language_of(name)) for name, each in right.items()}
    first, others = fingerprint(wrong.encode(), "cpp"), list(prints.values())
    same = shared(first, prints["table-3.cpp"], others)
    across = shared(first, prints["table-1.py"], others)
    assert same["fragments"][0]["lines"][0] <= 6
    assert same["structure"] > across["structure"]
    assert across["fragments"] == []


def test_distances_are_distances() -> None:
    """Symmetric, 0 for the same, 1 for nothing shared; vectors are of length 1."""
    given = list(solutions("two-sum"))
    weights = Weights.of(given)
    for one in given:
        assert weights.distance(one.features, one.features) == 0
        for other in given:
            assert weights.distance(one.features, other.features) == weights.distance(
                other.features, one.features
            )
        assert float((patterns.vector(one.features) ** 2).sum()) == pytest.approx(1)
    assert weights.distance(frozenset({Feature.MAP}), frozenset({Feature.SORT})) == 1
    assert set(WEIGHTS) == set(Feature)
    assert patterns.patterns([]) == ()
    alone = patterns.patterns([Solution(id="a", features=frozenset())])
    assert [(each.name, each.share) for each in alone] == [("nothing remarkable", 1.0)]
