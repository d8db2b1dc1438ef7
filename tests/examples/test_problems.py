"""Every problem we ship keeps its promises: its data, and every submission's label."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from judge.problem import load

ROOT = Path(__file__).parents[2]
PROBLEMS = sorted(path.parent.name for path in (ROOT / "problems").glob("*/problem.yaml"))
BACKENDS = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
]
TIMEOUT_S = 600


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_holds(name: str, backend: str, tmp_path: Path) -> None:
    """Under bubblewrap for the languages this machine has, in containers for all."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "judge", "verify", "--backend", backend, "--json"),
            str(ROOT / "problems" / name),
        ],
        cwd=ROOT,
        env={**os.environ, "CODEBATTLE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert [line for line in lines if line.get("ok") is False] == []
    assert (done.stderr, done.returncode) == ("", 0)
    assert lines[-1]["submissions"] == len(load(ROOT / "problems" / name).submissions) > 3
    if backend == "docker":
        assert lines[-1]["skipped"] == 0


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_is_written_as_the_format_asks(name: str) -> None:
    """No error and no warning; a statement, samples or an interaction, an accepted solution."""
    problem = load(ROOT / "problems" / name)
    serious = [str(each) for each in problem.findings if each.severity != "note"]

    assert serious == []
    assert problem.statements
    assert problem.input_validators
    assert any(each.name.startswith("accepted/") for each in problem.submissions)


def test_together_they_use_what_the_format_offers() -> None:
    """The acceptance test of the engine: each kind of problem is there, in several languages."""
    problems = [load(ROOT / "problems" / name) for name in PROBLEMS]
    directories = {each.directory for problem in problems for each in problem.submissions}

    assert len(problems) >= 8
    assert any(problem.interactive for problem in problems)
    assert any(problem.multi_pass for problem in problems)
    assert any(problem.scoring and problem.data.groups for problem in problems)
    assert any(problem.output_validators and not problem.interactive for problem in problems)
    assert any(case.args or case.files for problem in problems for case in problem.cases())
    assert {
        *("accepted", "wrong_answer", "time_limit_exceeded", "run_time_error", "hostile"),
    } <= directories
