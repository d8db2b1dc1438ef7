"""Every problem we ship keeps its promises: its data, and every submission's label."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from judge.problem import load

ROOT = Path(__file__).parents[2]
PROBLEMS = sorted(path.parent.name for path in (ROOT / "problems").glob("*/problem.yaml"))
BACKENDS = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
]
# For all of them.
TIMEOUT_S = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `codebattle verify` said of all problems on one backend."""

    backend: str
    code: int
    lines: list[dict[str, Any]]
    errors: str


@pytest.fixture(scope="module", params=BACKENDS)
def verified(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """Verify all problems in one go: sandboxes are started once, and no processor waits for one."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "judge", "verify", "--backend", request.param, "--json"),
            *(str(ROOT / "problems" / name) for name in PROBLEMS),
        ],
        cwd=ROOT,
        env={**os.environ, "CODEBATTLE_DATA_DIR": str(tmp_path_factory.mktemp("verified"))},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return Verified(backend=request.param, code=done.returncode, lines=lines, errors=done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_holds(name: str, verified: Verified) -> None:
    """Under bubblewrap for the languages this machine has, in containers for all."""
    lines = [line for line in verified.lines if line.get("package") == name]
    said = [line for line in verified.errors.splitlines() if line.startswith(f"{name}: ")]

    assert [line for line in lines if not line["ok"]] == []
    assert said == []
    assert len(lines) == len(load(ROOT / "problems" / name).submissions) > 3


@pytest.mark.slow
def test_all_hold(verified: Verified) -> None:
    """Nothing else was said, nothing is missing, and the exit code says the same."""
    last = verified.lines[-1]

    assert (verified.errors, verified.code) == ("", 0)
    assert (last["packages"], last["failed"], last["errors"]) == (len(PROBLEMS), 0, 0)
    assert last["submissions"] == len(verified.lines) - 1
    if verified.backend == "docker":
        assert last["skipped"] == 0


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
