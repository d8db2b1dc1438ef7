"""What packages of real contests do, written small: each of these once gave a wrong result."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from judge.errors import PackageError
from judge.problem import Severity, load
from judge.problem.limiting import compute_time_limit
from judge.problem.programs import LabelSource

MODERN = "problem_format_version: 2025-09\nname: Small\nuuid: 00000000\n"
CASES = {"data/secret/1.in": "1\n", "data/secret/1.ans": "1\n"}


def _written(root: Path, files: Mapping[str, str], *, head: str = MODERN) -> Path:
    for name, text in {"problem.yaml": head, **CASES, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("link", "severity"),
    [
        ("problem.pdf", Severity.WARNING),
        ("data/sample/picture.png", Severity.WARNING),
        ("input_validators/check/lib.h", Severity.ERROR),
    ],
)
def test_a_link_out_of_the_package_matters_where_judging_needs_it(
    tmp_path: Path, link: str, severity: Severity
) -> None:
    """Repositories of contests share files between packages by links."""
    root = _written(tmp_path / "small", {"input_validators/check/main.py": "", "data/sample/x": ""})
    (tmp_path / "shared").write_text("", encoding="utf-8")
    (root / link).symlink_to(tmp_path / "shared")
    found = [each for each in load(root).findings if "leads out" in str(each)]

    assert [each.severity for each in found] == [severity]


def test_a_test_case_that_leads_out_of_the_package_is_refused(tmp_path: Path) -> None:
    """It would be judged with data that somebody else can change."""
    root = _written(tmp_path / "small", {})
    (tmp_path / "2.in").write_text("", encoding="utf-8")
    (root / "data/secret/2.in").symlink_to(tmp_path / "2.in")

    with pytest.raises(PackageError, match=r"data/secret/2\.in"):
        load(root)


def test_partially_accepted_promises_no_verdict_since_2025(tmp_path: Path) -> None:
    """The directory is legacy's, where such a submission is accepted; now there is a score."""
    root = _written(
        tmp_path / "small",
        {"submissions/partially_accepted/one.c": "int main(void) { return 0; }\n"},
        head=f"{MODERN}type: scoring\n",
    )
    (example,) = load(root).submissions

    assert example.expectation.verdicts is None
    assert example.expectation.source is LabelSource.DIRECTORY


@pytest.mark.parametrize(
    ("quick", "slow", "limit"),
    [
        ([500], [], 1000),
        ([500], [5000], 1000),
        ([500], [720], 600),
        ([500], [550], 1000),
    ],
)
def test_a_time_limit_lies_between_quick_and_slow(
    tmp_path: Path, quick: list[int], slow: list[int], limit: int
) -> None:
    """Unless they are too close to be told apart, when the rule for the quick ones decides."""
    problem = load(_written(tmp_path / "small", {}))

    assert compute_time_limit(problem, quick, slow).time_limit_ms == limit
