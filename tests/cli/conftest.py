"""Runs `codebattle` inside the test: exit code, output and errors, exactly as a shell sees them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from judge.cli import main

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "problems/hello"

GOOD = "name = input()\nprint(name)\n"
YAML = "problem_format_version: 2025-09\nname: Echo\nlimits: {time_limit: 1}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON objects printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def message(self) -> str:
        """Return the one line of an expected failure."""
        assert self.err.startswith("codebattle: "), self.err
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        assert self.err[:-1].isprintable()
        return self.err.removeprefix("codebattle: ").strip()


Cli = Callable[..., Ran]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Return a function that runs a command line; state goes to the test's own directory."""
    monkeypatch.setenv("CODEBATTLE_DATA_DIR", str(tmp_path / "state"))

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["codebattle", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(code=ended.value.code, out=shown.out, err=shown.err)

    return run


@pytest.fixture
def shell(tmp_path: Path) -> Cli:
    """Return a function that runs a command line in a process of its own.

    The Docker SDK leaves sockets to the garbage collector when no engine answers.
    """

    def run(*words: object, tree: Path = ROOT, **environment: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "judge", *map(str, words)],
            cwd=tree,
            env={**os.environ, "CODEBATTLE_DATA_DIR": str(tmp_path / "state"), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a small package: print the line that was read."""
    root = tmp_path / "echo"
    write(root, "problem.yaml", YAML)
    for case in ("sample/1", "secret/1"):
        write(root, f"data/{case}.in", f"{case}\n")
        write(root, f"data/{case}.ans", f"{case}\n")
    write(root, "statement/problem.en.md", "Echo.\n")
    write(root, "input_validators/any.py", "import sys\nsys.exit(42)\n")
    write(root, "submissions/accepted/good.py", GOOD)
    write(root, "submissions/wrong_answer/mute.py", "input()\n")
    return root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a source that is accepted."""
    return write(tmp_path, "good.py", GOOD)


def write(root: Path, name: str, content: str | bytes) -> Path:
    """Write a file and the directories above it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
