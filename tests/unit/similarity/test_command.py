"""`codebattle similarity compare` reads what a teacher has, and writes what was asked for."""

import csv
import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from benchmarks.similarity import obfuscating, obfuscating_cpp, obfuscating_python
from benchmarks.similarity.metrics import area, average_precision, f_score, recall_at
from judge.cli import patterns_command, similarity_command
from judge.cli.similarity_command import Request
from judge.errors import UsageError
from judge.images import ROOT
from judge.similarity import fingerprint, folder, parsing
from judge.similarity.folder import read_folder
from judge.similarity.grammars import parser
from judge.similarity.macros import written_out

from .approaches import programs
from .programs import program, renamed


def laid_out(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.py", "b.py"], {("", "a.py"), ("", "b.py")}),
        (["p/a.py", "p/b.py", "q/a.py"], {("p", "p/a.py"), ("p", "p/b.py"), ("q", "q/a.py")}),
        (["a/main.py", "b/main.py"], {("", "a"), ("", "b")}),
        (["p/a/x.py", "p/a/y.py", "p/b/x.py"], {("p", "p/a"), ("p", "p/b")}),
        ([".git/a.py", "a.py", "notes.txt"], {("", "a.py")}),
        (["p/a.py", "p/a.cpp", "q/a.py"], {("p", "p/a.py"), ("p", "p/a.cpp"), ("q", "q/a.py")}),
    ],
)
def test_layouts(tmp_path: Path, names: list[str], found: set[tuple[str, str]]) -> None:
    """Files, directories for problems, for people, for both."""
    corpus = read_folder(laid_out(tmp_path, {name: program(1, 5) for name in names}))

    assert {
        (one.problem if one.problem != tmp_path.name else "", one.id) for one in corpus.entries
    } == found


def test_a_folder_of_mixed_languages_and_of_odd_files_is_read(tmp_path: Path) -> None:
    """One name in two languages is a pair, and the closest; whatever else lies there harms none."""
    accepted = ROOT / "problems"
    source = tmp_path / "in"
    source.mkdir()
    for problem in ("wheel", "wayback"):
        for path in (accepted / problem / "submissions/accepted").iterdir():
            shutil.copy(path, source / f"{problem}{path.suffix}")
    (source / "empty.cpp").touch()
    (source / "noise.java").write_bytes(bytes(range(256)) * 99)
    (source / "latin.py").write_bytes("größe = 1\n".encode("latin-1") * 20)
    (source / "gone.py").symlink_to("nowhere.py")
    (source / "loop").symlink_to(".")
    Path(os.fsdecode(os.fsencode(source) + b"/w\xe4y.py")).write_text(program(3))
    (source / "large.py").touch()
    os.truncate(source / "large.py", folder.BYTES_MAX + 1)
    out = tmp_path / "out.csv"
    asked = Request(directory=source, pairs_csv=out, html=tmp_path / "out.html", as_json=True)

    assert similarity_command.run(asked) == 0
    with out.open(encoding="utf-8", errors="surrogateescape") as file:
        rows = {(row["a"], row["b"]): float(row["score"]) for row in csv.DictReader(file)}
    across = {pair: rows[pair] for pair in rows if Path(pair[0]).suffix != Path(pair[1]).suffix}
    best = sorted(across, key=lambda pair: -across[pair])[:10]
    assert ("wheel.cpp", "wheel.py") in across
    assert all(first.split(".")[0] == second.split(".")[0] for first, second in best), best
    assert read_folder(source).unread == ["large.py"]


def test_everything_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, page and table of pairs agree; the page shows the code, what was given is grey."""
    starter = program(99, 9)
    files = {f"s{n:02}.py": starter + program(n) for n in range(12)}
    files |= {"copy.py": renamed(starter + program(4)), "notes.txt": "", "starter.py": starter}
    source = laid_out(tmp_path / "in", files)
    request = Request(
        directory=source,
        templates=(source / "starter.py",),
        html=tmp_path / "out.html",
        pairs_csv=tmp_path / "out.csv",
        as_json=True,
    )

    assert similarity_command.run(request) == 0
    told = json.loads(capsys.readouterr().out)
    best = told["pairs"][0]
    assert (best["first"], best["second"], best["stands_out"]) == ("copy.py", "s04.py", True)
    assert told["unread"] == ["notes.txt"]
    assert told["problems"][0]["too_short"] == ["starter.py"]
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {rows[0]["a"], rows[0]["b"]} == {"copy.py", "s04.py"}
    assert float(rows[0]["score"]) == pytest.approx(best["score"], abs=1e-4)
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "def solve(v3):" in page
    assert '<li class="given">' in page


@pytest.mark.parametrize("wrong", ["nowhere", "empty", "html"])
def test_wrong_usage(tmp_path: Path, wrong: str) -> None:
    """No directory, no source, a place that cannot be written: one line, exit 2."""
    (tmp_path / "empty").mkdir()
    directory = tmp_path / ("nowhere" if wrong == "nowhere" else "empty")
    html = tmp_path / "no" / "x.html" if wrong == "html" else None
    with pytest.raises(UsageError) as told:
        similarity_command.run(Request(directory=directory, html=html))

    assert told.value.exit_code == 2


def test_a_grammar_that_takes_too_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the plain lexer reads the source: tokens, no structure.

    Noise is left wherever it is, and the memory of the parser is as it was: one that was told of
    an early end of the text ended the process now and then.
    """
    source = b"class A { int x = 1; }" * 300
    assert len(fingerprint(source, "java").parts)
    monkeypatch.setattr(parsing, "PARSING_S_MAX", -1.0)
    made = fingerprint(source, "java")
    noise = random.Random(5).randbytes(60_000)
    for milliseconds in range(2, 30, 2):
        monkeypatch.setattr(parsing, "PARSING_S_MAX", milliseconds / 1000)
        parsing._parsed(noise, "cpp")

    assert not len(made.parts)
    assert len(made.spellings) == 9 * 300


Ways = Mapping[str, Callable[[bytes, random.Random], bytes]]
JAVA = b"""
class A {
    static int twice(int n) { int m = n * 2; return m; }
    public static void main(String[] args) {
        int total = 0;
        for (int i = 0; i < 10; i++) { total += twice(i); }
        while (total > 7) { total -= 3; }
        String text = "sum";
        System.out.println(text + total);
    }
}
"""


CPP = b"""#include <vector>
using namespace std;
#define LIMIT 10
int twice(int n) { int m = n * 2; return m; }
int main() {
    int total = 0, n = 3;
    vector<int> seen;
    for (int i = 0; i < 10; i++) { total += twice(i); seen.push_back(i); }
    while (total > 7) { total -= 3; }
    for (auto &one : seen) total += one;
    int last = twice(total);
    printf("sum %d", last);
    return 0;
}
"""
PYTHON = b"""import sys
def twice(n):
    m, k = n * 2, 1
    return m + k
def read(line):
    return line.split()
total = 0
limit = 3
seen = [twice(i) for i in range(10) if i]
for one in seen:
    total += one
for i in range(limit, 9):
    total -= i
print(f"sum {total}")
"""


@pytest.mark.parametrize(
    ("language", "source", "ways"),
    [
        ("java", JAVA, obfuscating.WAYS),
        ("cpp", CPP, obfuscating_cpp.WAYS),
        ("python3", obfuscating_python.plain(PYTHON), obfuscating_python.WAYS),
    ],
)
def test_every_obfuscation_changes_the_source_and_repeats(
    language: str, source: bytes, ways: Ways
) -> None:
    """The same seed does the same, and what comes out still parses."""
    for name, way in ways.items():
        made = [way(source, random.Random(f"{name} {seed}")) for seed in range(4)]

        assert made == [way(source, random.Random(f"{name} {seed}")) for seed in range(4)]
        assert any(one != source for one in made), name
        # Names and loops by macros are no C++ before these are written out.
        read = [written_out(one) if language == "cpp" else one for one in made]
        assert not any(parser(language).parse(one).root_node.has_error for one in read), name


def test_metrics() -> None:
    """Small rankings whose figures are known; tied scores enter together."""
    ranked = [(0.9, True), (0.8, False), (0.7, True), (0.1, False)]

    assert average_precision(ranked) == pytest.approx((1 + 2 / 3) / 2)
    assert area(ranked) == pytest.approx(0.75)
    assert recall_at(ranked, 0.95) == pytest.approx(0.5)
    assert average_precision([(0.5, True), (0.5, False)]) == pytest.approx(0.5)
    assert f_score(ranked, 0.7) == pytest.approx(3.25 * 2 / (3.25 * 2 + 1))


def test_patterns_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table and an object for each problem; what has no known language is named."""
    files = {f"sums/{name}": source for name, source in programs("two-sum").items()}
    directory = laid_out(tmp_path, {**files, "sums/notes.txt": "x", "fib/a.py": "print(1)"})
    for as_json in (False, True):
        request = patterns_command.Request(directory=directory, as_json=as_json)
        assert patterns_command.run(request) == 0
        said = capsys.readouterr().out
        if not as_json:
            assert "sort, two pointers" in said
            assert "notes.txt" in said
            continue
        told = {each["problem"]: each for each in map(json.loads, said.splitlines())}
        assert set(told) == {"fib", "sums"}
        assert told["sums"]["patterns"][0]["share"] == pytest.approx(4 / 11, abs=1e-5)
        assert told["sums"]["patterns"][0]["features"]["loop"] == 4
        assert len(told["sums"]["patterns"][2]["members"]) == 3
