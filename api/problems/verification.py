"""Whether a package keeps its promises, tried on a worker's sandbox and told in bounded form.

What the package is to blame for is listed; what is our failure is raised, so that the import is
tried again and never ends as the package's fault.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from api.errors import InvalidError
from api.problems.importing import DEFAULT, FINDINGS_MAX, TimeLimit
from judge.errors import PackageError, SandboxLostError, SourceError, ToolMissingError
from judge.judging import Judge, Options, ours
from judge.problem import Problem
from judge.problem.model import TimeLimitSource
from judge.problem.programs import ExampleSubmission
from judge.results import printable
from judge.verifying import Checked, check_data, check_submission, time_limit

ROWS_MAX = 200
_LINE_CHARS_MAX = 300
# Per cent that are reached when inputs are validated, and when the time limit is known.
_DATA_DONE, _LIMIT_DONE, _ALL_DONE = 10, 30, 95
Say = Callable[[int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of trying: the time limit, what is wrong, each submission of the jury."""

    limit: TimeLimit
    note: str = ""
    faults: tuple[str, ...] = ()
    rows: tuple[Checked, ...] = ()

    @property
    def wrong(self) -> int:
        """Return how many submissions do not get what they are labelled with."""
        return sum(not row.ok for row in self.rows)

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each submission, those that are wrong first when there are too many."""
        rows = sorted(self.rows, key=lambda row: row.ok) if len(self.rows) > ROWS_MAX else self.rows
        return [_row(each) for each in rows[:ROWS_MAX]]

    def refusal(self) -> InvalidError | None:
        """Return why the package is not taken, or None when all holds."""
        if not self.faults and not self.wrong:
            return None
        said = []
        if self.wrong:
            said.append(
                f"{self.wrong} of {len(self.rows)} submissions do not get what is expected of them"
            )
        if self.faults:
            said.append(f"{len(self.faults)} findings, the first: {_line(self.faults[0])}")
        return InvalidError(
            "; ".join(said),
            slug="package-unverified",
            findings=[_line(each) for each in self.faults[:FINDINGS_MAX]],
            submissions=self.table(),
            time_limit={"cpu_ms": self.limit.cpu_ms, "source": self.limit.source},
        )


async def verify(judge: Judge, problem: Problem, say: Say) -> Report:
    """Try a package: its inputs, its time limit, then one submission after the other."""
    say(1, "validating inputs")
    faults = []
    try:
        faults = await check_data(judge, problem)
        say(_DATA_DONE, "working out the time limit")
        found = await time_limit(judge, problem)
    except (PackageError, ToolMissingError) as error:
        # What cannot be built or has no limit cannot be judged with either.
        return Report(limit=TimeLimit.untried(problem), faults=(*faults, str(error)))
    stated = problem.limits.time_limit_ms is not None
    source = problem.limits.time_limit_source if stated else TimeLimitSource.COMPUTED
    limit = TimeLimit(
        cpu_ms=found.time_limit_ms,
        source=DEFAULT if found.guess else source.value,
        verified=True,
    )
    rows: list[Checked] = []
    total = len(problem.submissions)
    for done, example in enumerate(problem.submissions):
        share = (_ALL_DONE - _LIMIT_DONE) * done // total
        say(_LIMIT_DONE + share, f"{done} of {total} submissions")
        try:
            rows.append(await _checked(judge, problem, example, limit))
        except (PackageError, SourceError) as error:
            faults.append(f"submissions/{example.name}: {error}")
    return Report(limit=limit, note=found.note, faults=tuple(faults), rows=tuple(rows))


async def _checked(
    judge: Judge, problem: Problem, example: ExampleSubmission, limit: TimeLimit
) -> Checked:
    options = Options(cpu_ms=limit.cpu_ms)
    checked = await check_submission(judge, problem, example, options=options)
    if checked.judgement is None:
        return checked
    if ours(checked.judgement):
        raise SandboxLostError(f"submissions/{example.name}: {checked.reason}")
    # What it wrote in each run is not needed any more, and may be much.
    return replace(checked, judgement=replace(checked.judgement, runs=()))


def _row(checked: Checked) -> dict[str, Any]:
    said = checked.to_json()
    return {
        "name": _line(checked.submission),
        "language": checked.language,
        "expected": said["expected"],
        "verdict": said["verdict"],
        "ok": checked.ok,
        "score": said["score"],
        "cpu_ms": said["cpu_ms"],
        "memory_bytes": said["memory_bytes"],
        "reason": _line(checked.reason),
    }


def _line(text: str) -> str:
    return printable(text, chars_max=_LINE_CHARS_MAX).replace("\n", " ")
