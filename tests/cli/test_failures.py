"""Whatever is wrong with what was asked: one line, the right exit code, nothing left behind."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judge import limits
from judge.problem import tree

from .conftest import ROOT, YAML, Cli, write

DEAD = "unix:///nonexistent/docker.sock"


def judged(cli: Cli, package: object, source: object, *words: object) -> tuple[int, str]:
    """Judge what cannot be judged; return exit code and line."""
    ran = cli("judge", package, source, "--backend", "bubblewrap", *words)

    assert not ran.out
    return ran.code, ran.message


# -- usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["judge"], "package"),
        (["nonsense"], "nonsense"),
        (["judge", "{package}", "{source}", "--language", "cobol"], "'cobol'; offered are c, cpp"),
        (["judge", "{package}", "{source}", "--backend", "chroot"], "choose from docker, bubble"),
        (["judge", "{package}", "{source}", "--time-limit", "-1"], "--time-limit: above 0"),
        (["judge", "{package}", "{source}", "--time-limit", "nan"], "--time-limit: above 0"),
        (["verify", "{package}", "--backend", "bubblewrap", "--slots", "0"], "--slots: from 1"),
        (["images", "build", "cobol"], "'cobol'"),
    ],
)
def test_wrong_usage(cli: Cli, package: Path, source: Path, words: list[str], says: str) -> None:
    """Exit 2, and what there is to choose from."""
    ran = cli(*(word.format(package=package, source=source) for word in words))

    assert ran.code == 2
    assert says in ran.message


# -- packages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yaml", "says"),
    [
        ("name: [", "problem.yaml: line 1"),
        (YAML + "type: dance\n", "problem.yaml: type"),
        (YAML.replace("1}", "-1}"), "problem.yaml: limits.time_limit"),
        (
            "a: &a [x,x]\n"
            + "".join(f"a{i}: &a{i} [*a{i - 1 or ''},*a{i - 1 or ''}]\n" for i in range(1, 40)),
            "aliases unfolded",
        ),
        ("x: " + "[" * 4000 + "\n", "nested deeper"),
        ("x: '" + "y" * (1 << 20) + "'\n", "problem.yaml"),
        ("\x00", "problem.yaml"),
        ("[]", "problem.yaml"),
    ],
    ids=["syntax", "unknown type", "negative", "alias bomb", "deep", "huge", "nul", "a list"],
)
def test_a_broken_problem_yaml(cli: Cli, package: Path, source: Path, yaml: str, says: str) -> None:
    """Exit 3, with file and key or line."""
    write(package, "problem.yaml", yaml)
    code, line = judged(cli, package, source)

    assert code == 3
    assert says in line


def _missing(root: Path) -> None:
    (root / "problem.yaml").unlink()


def _link_out(root: Path) -> None:
    (root / "data/secret/2.in").symlink_to("/etc/passwd")
    write(root, "data/secret/2.ans", "")


def _no_answer(root: Path) -> None:
    (root / "data/secret/1.ans").unlink()


def _pipe(root: Path) -> None:
    (root / "problem.yaml").unlink()
    os.mkfifo(root / "problem.yaml")


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        (_missing, "problem.yaml: missing"),
        (_link_out, "data/secret/2.in: a symbolic link that leads out"),
        (_no_answer, "data/secret/1"),
        (_pipe, "problem.yaml: missing"),
    ],
    ids=["missing", "link out", "no answer", "pipe"],
)
def test_a_broken_package(
    cli: Cli, package: Path, source: Path, breaks: Callable[[Path], None], says: str
) -> None:
    """Exit 3, with the file; a pipe does not make us wait."""
    breaks(package)
    code, line = judged(cli, package, source)

    assert code == 3
    assert says in line


def test_a_missing_package(cli: Cli, tmp_path: Path, source: Path) -> None:
    """Exit 3, whatever the name holds."""
    for name in ("nowhere", "nowhere.zip", "esc\x1b]0;x\x07", "new\nline", "\udcff"):
        code, line = judged(cli, tmp_path / name, source)

        assert code == 3
        assert "no such file" in line


def test_more_files_than_a_package_may_have(
    cli: Cli, package: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count stops the reading; it need not be a million here."""
    monkeypatch.setattr(tree, "ENTRIES_MAX", 20)
    for number in range(20):
        write(package, f"data/secret/x{number}.in", "")
    code, line = judged(cli, package, source)

    assert code == 3
    assert "more than 20 files" in line


def _zip(path: Path, entries: dict[str, bytes], **mode: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode.get("mode", 0o100644) << 16
            info.compress_type = mode.get("method", zipfile.ZIP_DEFLATED)
            out.writestr(info, data)
    return path


@pytest.mark.parametrize(
    ("name", "mode", "says"),
    [
        ("../../evil", 0o100644, "unsafe file name"),
        ("/etc/evil", 0o100644, "unsafe file name"),
        ("a\\..\\evil", 0o100644, "unsafe file name"),
        ("esc\x1b[2J", 0o100644, "unsafe file name"),
        ("link", 0o120777, "leads out of the package"),
        ("bomb", 0o100644, "unpacks to more than"),
        ("bzip2", 0o100644, "neither stored nor deflated"),
    ],
)
def test_a_hostile_archive(
    cli: Cli,
    tmp_path: Path,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    mode: int,
    says: str,
) -> None:
    """Exit 3; nothing is written outside, and the temporary directory is gone."""
    monkeypatch.setattr(limits, "PACKAGE_BYTES_MAX", 5 * limits.MIB)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    data = b"/etc/passwd" if name == "link" else bytes(6 * limits.MIB if name == "bomb" else 1)
    archive = _zip(tmp_path / "evil.zip", {"problem.yaml": YAML.encode()})
    method = zipfile.ZIP_BZIP2 if name == "bzip2" else zipfile.ZIP_DEFLATED
    archive = _zip(tmp_path / "evil.zip", {name: data}, mode=mode, method=method)
    code, line = judged(cli, archive, source)

    assert code == 3
    assert says in line
    assert not list((tmp_path / "temporary").iterdir())
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_an_archive_that_is_none(cli: Cli, tmp_path: Path, source: Path, content: bytes) -> None:
    """Truncated, empty or without files."""
    code, line = judged(cli, write(tmp_path, "a.zip", content), source)

    assert code == 3
    assert "a.zip" in line or "problem.yaml" in line


def test_an_archive_that_is_a_pipe_is_not_waited_for(
    cli: Cli, tmp_path: Path, source: Path
) -> None:
    """Nobody may ever write to it."""
    os.mkfifo(tmp_path / "a.zip")
    code, line = judged(cli, tmp_path / "a.zip", source)

    assert code == 3
    assert "a.zip" in line


# -- sources ----------------------------------------------------------------------------------


def test_a_source_that_cannot_be_judged(cli: Cli, package: Path, tmp_path: Path) -> None:
    """Exit 4: missing, over the limit, of no language, of two, with a name that is an option."""
    os.mkfifo(tmp_path / "pipe.py")
    cases: dict[str, tuple[list[Path], str]] = {
        "missing": ([tmp_path / "no.py"], "no such file"),
        "pipe": ([tmp_path / "pipe.py"], "no such file"),
        "too large": (
            [write(tmp_path, "big.py", b"#" * (128 * limits.KIB + 1))],
            f"at most {128 * limits.KIB}",
        ),
        "much too large": ([_sparse(tmp_path / "huge.py")], "larger than"),
        "unknown": ([write(tmp_path, "a.unknown", "")], "no language"),
        "not offered": ([write(tmp_path, "a.hs", "main = 1")], "Haskell is not offered"),
        "two": ([write(tmp_path, "a.py", ""), write(tmp_path, "a.go", "")], "more than one"),
        "twice": ([tmp_path / "a.py", write(tmp_path / "x", "a.py", "")], "given twice"),
        "control": ([write(tmp_path, "a\x1b[2J.py", "")], "control characters"),
    }
    for name, (sources, says) in cases.items():
        ran = cli("judge", package, *sources, "--backend", "bubblewrap")

        assert (name, ran.code) == (name, 4)
        assert says in ran.message


def _sparse(path: Path) -> Path:
    with path.open("wb") as out:
        out.truncate(1 << 40)
    return path


def test_too_many_sources(cli: Cli, package: Path, tmp_path: Path) -> None:
    """They are counted while they are read."""
    for number in range(limits.SOURCE_FILES_MAX + 1):
        write(tmp_path / "many", f"m{number}.py", "")
    code, line = judged(cli, package, tmp_path / "many")

    assert code == 4
    assert "more than" in line


def test_a_language_the_package_does_not_allow(cli: Cli, package: Path, source: Path) -> None:
    """Exit 4, with the key that says so."""
    write(package, "problem.yaml", YAML + "languages: [c, cpp]\n")
    code, line = judged(cli, package, source)

    assert code == 4
    assert "problem.yaml: languages" in line


# -- machines ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["judge", "{package}", "{source}", "--backend", "docker"],
        ["verify", "{package}", "--backend", "docker"],
        ["selftest", "--backend", "docker"],
        ["images", "list"],
        ["images", "build", "base"],
    ],
)
def test_no_engine(shell: Cli, package: Path, source: Path, words: list[str]) -> None:
    """Exit 5, with what to do."""
    ran = shell(*(word.format(package=package, source=source) for word in words), DOCKER_HOST=DEAD)

    assert ran.code == 5
    assert "bubblewrap" in ran.message
    assert "start" in ran.message


def test_no_backend_at_all(shell: Cli, package: Path, source: Path) -> None:
    """Exit 5; both are named when nobody said which."""
    nothing = {"PATH": "/nonexistent", "DOCKER_HOST": DEAD}
    asked = shell("judge", package, source, "--backend", "bubblewrap", **nothing)
    unasked = shell("judge", package, source, **nothing)

    assert (asked.code, unasked.code) == (5, 5)
    assert "bubblewrap" in asked.message
    assert "Docker" in unasked.message
    assert "bubblewrap" in unasked.message


@pytest.mark.docker
def test_a_missing_image(shell: Cli, package: Path, source: Path, tmp_path: Path) -> None:
    """Exit 5, with the command that builds it: here a language says an image nobody has."""
    checkout = tmp_path / "checkout"
    for part in ("judge", "sandboxes"):
        shutil.copytree(ROOT / part, checkout / part)
    language = checkout / "judge/languages/python3.toml"
    text = language.read_text(encoding="utf-8")
    language.write_text(text.replace('image = "python3"', 'image = "absent"'), encoding="utf-8")
    ran = shell("judge", package, source, "--backend", "docker", tree=checkout)

    assert ran.code == 5
    assert "codebattle images build absent" in ran.message


# -- records ----------------------------------------------------------------------------------


def test_a_record_that_cannot_be_written_is_told_before_judging(
    cli: Cli, package: Path, source: Path, tmp_path: Path
) -> None:
    """Exit 2 at once: there is no output of a judging, and no file."""
    before = sorted(tmp_path.rglob("*"))
    for place in ("/nonexistent/r.json", "/proc/r.json", tmp_path):
        code, line = judged(cli, package, source, "--record", place)

        assert code == 2
        assert "cannot be written" in line
    assert sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts) == before


def _record(**changes: Any) -> bytes:
    record = {"package": "/nonexistent", "full": False, "files": {}, "judgement": {}}
    return json.dumps(record | changes).encode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a judgement record"),
        (b"\xff\xfe", "not a judgement record"),
        (b"[]", "not an object"),
        (b"{}", "package: missing"),
        (_record(full=1), "full: missing or of the wrong kind"),
        (_record(), "judgement record: version"),
        (_record(judgement={"version": 1}), "key is missing"),
        (_record(judgement={"version": 1, "\x1b[2J": 1}), "unknown key"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "not a judgement record"),
    ],
)
def test_a_broken_record(cli: Cli, tmp_path: Path, content: bytes, says: str) -> None:
    """Exit 2, with the key."""
    ran = cli("replay", write(tmp_path, "r.json", content))

    assert ran.code == 2
    assert says in ran.message


@pytest.mark.parametrize("place", ["/dev/zero", "/proc", "/nonexistent"])
def test_a_record_that_is_no_file(cli: Cli, place: str) -> None:
    """A device would never end."""
    assert cli("replay", place).code == 2
