"""What programs read: one JSON object a line, with keys that are an interface."""

import json
from pathlib import Path
from typing import Any

import pytest

from judge.judging import Judge
from judge.results import Judgement

from .conftest import HELLO, Cli, write

pytestmark = pytest.mark.bubblewrap

BUBBLEWRAP = ("--backend", "bubblewrap")
BACKENDS = [pytest.param("docker", marks=pytest.mark.docker), "bubblewrap"]
VERIFY_KEYS = [
    *("package", "submission", "language", "expected", "verdict", "ok"),
    *("score", "cpu_ms", "wall_ms", "memory_bytes", "reason"),
]


@pytest.mark.parametrize("backend", BACKENDS)
def test_judge(shell: Cli, package: Path, source: Path, backend: str) -> None:
    """One line, which is the stored form of a judgement and can be read back."""
    ran = shell("judge", package, source, "--backend", backend, "--json")
    (line,) = ran.lines
    judgement = Judgement.from_json(line)

    assert ran.code == 0
    assert (line["verdict"], line["backend"], line["case_total"]) == ("AC", backend, 2)
    assert [run["case"] for run in line["runs"]] == ["sample/1", "secret/1"]
    assert all(run["cpu_us"] > 0 and run["memory_bytes"] > 0 for run in line["runs"])
    assert judgement.to_json() == line
    assert str(package) not in ran.out


@pytest.mark.parametrize(
    ("text", "verdict", "code"),
    [
        ("print(input())\n", "AC", 0),
        ("print(input() + 'x')\n", "WA", 1),
        ("print(\n", "CE", 1),
        ("1 / 0\n", "RTE", 1),
        ("while True: pass\n", "TLE", 1),
        ("while True: print('x' * 10000)\n", "TLE", 1),
        ("print('x' * 10_000_000)\n", "OLE", 1),
    ],
)
def test_verdicts_and_exit_codes(
    cli: Cli, package: Path, tmp_path: Path, text: str, verdict: str, code: int
) -> None:
    """0 is accepted and nothing else is."""
    source = write(tmp_path, "a.py", text)
    ran = cli("judge", package, source, *BUBBLEWRAP, "--time-limit", "0.3", "--json")

    assert (ran.lines[0]["verdict"], ran.code) == (verdict, code)
    assert ran.lines[0]["limits"]["cpu_ms"] == 300


def test_a_judge_error_is_exit_code_6(cli: Cli, package: Path, source: Path) -> None:
    """Ours, so neither accepted nor rejected."""
    write(package, "output_validator/validate.py", "import os\nos.abort()\n")
    ran = cli("judge", package, source, *BUBBLEWRAP, "--json")

    assert (ran.lines[0]["verdict"], ran.code) == ("JE", 6)
    assert "SIGABRT" in ran.lines[0]["reason"]


def test_verify(cli: Cli, package: Path) -> None:
    """A line for each submission, then the counts; 0 because every label holds."""
    ran = cli("verify", package, *BUBBLEWRAP, "--json")
    *lines, last = ran.lines

    assert ran.code == 0
    assert [list(line) for line in lines] == [VERIFY_KEYS] * 2
    assert [(line["submission"], line["verdict"]) for line in lines] == [
        ("accepted/good.py", "AC"),
        ("wrong_answer/mute.py", "WA"),
    ]
    assert last == {"packages": 1, "submissions": 2, "failed": 0, "errors": 0, "skipped": 0}


def test_verify_tells_labels_that_do_not_hold(cli: Cli, package: Path) -> None:
    """Exit 1, and the reason in the line."""
    write(package, "submissions/accepted/bad.py", "input()\n")
    ran = cli("verify", package, *BUBBLEWRAP, "--json")
    (bad,) = [line for line in ran.lines if line.get("ok") is False]

    assert ran.code == 1
    assert bad["submission"] == "accepted/bad.py"
    assert "WA" in bad["reason"]
    assert ran.lines[-1]["failed"] == 1


def test_verify_tells_broken_packages_and_goes_on(cli: Cli, package: Path, tmp_path: Path) -> None:
    """Exit 3; the whole package beside it is verified."""
    write(package, "input_validators/any.py", "import sys\nsys.exit(43)\n")
    write(tmp_path, "broken/problem.yaml", "name: [\n")
    ran = cli("verify", tmp_path / "broken", package, *BUBBLEWRAP, "--json")

    assert ran.code == 3
    assert "broken: error: problem.yaml: line" in ran.err
    assert "echo: error: data/sample/1.in: rejected by input_validators/any.py" in ran.err
    assert ran.lines[-1]["errors"] == 3
    assert ran.lines[-1]["submissions"] == 2


def test_replay(cli: Cli, package: Path, tmp_path: Path) -> None:
    """A record is judged again to the same; changed data is told and makes exit 1."""
    source = write(tmp_path, "mute.py", "input()\n")
    record = tmp_path / "record.json"
    judged = cli("judge", package, source, *BUBBLEWRAP, "--record", record, "--json")
    same = cli("replay", record, "--json")
    write(package, "data/sample/1.ans", "")
    changed = cli("replay", record, "--json")

    assert judged.code == 1
    assert json.loads(record.read_text())["judgement"] == judged.lines[0]
    assert (same.code, same.lines[0]["same"], same.lines[0]["changes"]) == (0, True, [])
    assert changed.code == 1
    assert [change.partition(":")[0] for change in changed.lines[0]["changes"]] == [
        "case sample/1",
        "data_hash",
    ]
    assert not list(tmp_path.glob(".codebattle-*"))


def test_a_record_with_other_sources_is_refused(
    cli: Cli, package: Path, source: Path, tmp_path: Path
) -> None:
    """A record says what was judged, or it says nothing."""
    path = tmp_path / "record.json"
    cli("judge", package, source, *BUBBLEWRAP, "--record", path)
    record: dict[str, Any] = json.loads(path.read_text())
    changes: list[tuple[dict[str, Any], str]] = [
        ({"files": {"good.py": "eA=="}}, "source_hash"),
        ({"files": {"../good.py": "eA=="}}, "plain relative path"),
        ({"files": {"good.py": "%%"}}, "not base64"),
        ({"files": {"good.py": 5}}, "not base64"),
        ({"package": "/nonexistent\0"}, "no such file"),
    ]
    for change, says in changes:
        path.write_text(json.dumps(record | change))
        ran = cli("replay", path)

        assert ran.code in {2, 3, 4}
        assert says in ran.message

    record["judgement"]["limits"]["cpu_ms"] = -1
    path.write_text(json.dumps(record))

    assert "cpu_ms" in cli("replay", path).message


def test_doctor(shell: Cli) -> None:
    """A line for each finding, then the worst level; 1 only when the machine is unfit."""
    ran = shell("doctor", "--no-selftest", "--json", DOCKER_HOST="unix:///nonexistent.sock")
    *lines, last = ran.lines

    assert all(list(line) == ["name", "level", "found", "remedy"] for line in lines)
    assert all(line["remedy"] for line in lines if line["level"] != "ok")
    assert {"kernel", "memory", "swap", "clock", "cgroup", "docker"} <= {
        line["name"] for line in lines
    }
    assert last["findings"] == len(lines)
    assert ran.code == (last["level"] == "fail")


@pytest.mark.slow
def test_selftest(cli: Cli) -> None:
    """A line for each attack, then the counts; nothing succeeds."""
    ran = cli("selftest", *BUBBLEWRAP, "--quick", "--json")
    *lines, last = ran.lines

    assert [line for line in lines if line["succeeded"]] == []
    assert ran.code == 0
    assert set(last) >= {"backend", "attacks", "succeeded", "seconds"}
    assert last["backend"] == "bubblewrap"
    assert last["attacks"] == len(lines) > 20
    assert not last["succeeded"]


@pytest.mark.docker
def test_images(shell: Cli) -> None:
    """A line for each image with what identifies it."""
    ran = shell("images", "list", "--json")

    assert all(
        list(line) == ["image", "tag", "digest", "size_bytes", "drift"] for line in ran.lines
    )
    assert {"base", "gcc", "java"} <= {line["image"] for line in ran.lines}
    assert ran.code == (not all(line["digest"] for line in ran.lines))


@pytest.mark.parametrize("command", ["judge", "verify", "replay", "doctor", "selftest"])
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    """`--help` and `--json` are everywhere."""
    ran = cli(command, "--help")

    assert ran.code == 0
    assert "--json" in ran.out


def test_the_shipped_example_is_shown_case_by_case(cli: Cli, tmp_path: Path) -> None:
    """The table, the first difference of a sample, and one line with the verdict."""
    source = write(tmp_path, "lower.py", "print('welcome, ' + input() + '!')\n")
    ran = cli("judge", HELLO, source, *BUBBLEWRAP)

    assert ran.code == 1
    assert "sample/1" in ran.out
    assert "expected 'Welcome" in ran.out
    assert "WA wrong answer" in ran.out.splitlines()[-1]


def test_what_programs_print_cannot_command_the_terminal(
    cli: Cli, package: Path, tmp_path: Path
) -> None:
    """Output, messages of compilers and validators, and the package's name are shown escaped."""
    evil = package.rename(tmp_path / "esc\x1b]0;title\x07[red]")
    write(evil, "data/sample/1.ans", "\x1b[2J\n")
    write(evil, "data/sample/1.in", "\x1b[2K\n")
    printed = write(tmp_path, "a.py", "print(input() + '\\x9b1m')\n")
    broken = write(tmp_path, "b.c", "#error \x1b[31m\x9b\n")
    shown = [
        cli("judge", evil, printed, *BUBBLEWRAP),
        cli("judge", evil, broken, *BUBBLEWRAP),
        cli("verify", evil, *BUBBLEWRAP),
        cli("verify", tmp_path / "\x1b[2Jnowhere", *BUBBLEWRAP),
        cli("verify", tmp_path / "\x1b[2Jnowhere", *BUBBLEWRAP, "--json"),
    ]
    write(
        evil,
        "output_validator/validate.py",
        "import sys\nopen(sys.argv[3] + 'judgemessage.txt', 'w').write('\\x1b[5m')\nsys.exit(43)\n",
    )
    shown.append(cli("judge", evil, printed, *BUBBLEWRAP))

    for ran in shown:
        text = ran.out + ran.err
        assert ran.out
        assert all(char.isprintable() or char == "\n" for char in text), text
    assert "[red]" in shown[0].out


def test_a_reader_that_goes_away_is_no_crash(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`codebattle verify … | head` ends quietly; a full disk is told."""

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr("judge.cli.judge_command.load", broken)
    ran = cli("judge", "x", "y")

    assert (ran.code, ran.message) == (5, "/somewhere: No space left on device")
    monkeypatch.setattr("judge.cli.judge_command.load", _gone)
    assert cli("judge", "x", "y").code == 1


def _gone(*_: object) -> None:
    raise BrokenPipeError


def test_an_interrupted_judging_leaves_nothing(
    cli: Cli, package: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 130 and no half record."""

    async def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Judge, "judge", interrupt)
    record = tmp_path / "r.json"
    ran = cli("judge", package, source, *BUBBLEWRAP, "--record", record)

    assert (ran.code, ran.out, record.exists()) == (130, "", False)
    assert not list(tmp_path.glob(".codebattle-*"))
