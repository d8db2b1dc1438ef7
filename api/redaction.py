"""The one policy of what leaves the service: who looks, in which phase, at which class of test.

Everything that shows a judging goes through here: REST, live updates, webhooks, exports. The rule
is to leave out: a field is shown only where a list below names it for this audience, and what an
unknown phase or audience may see is nothing.

    owner     (so are those of the same team) own source, own compile log, every verdict of the
              own runs and roughly what each took; differences, names and messages of samples
              only, since a validator may put hidden data into any message
    jury      (game masters; authors, for their own problems) everything about submissions
    reviewer  submissions of others with their source, but not while the event goes on: reviewers
              may be players there
    neighbour other services, by webhook: results of people, never source or runs
    public    that there is a submission, and its result while the board is open

Functions take rows, records or mappings alike and read only the fields they name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from api import fields
from api.auth import CurrentUser, Role
from judge.results import Run
from judge.trying import Trial, TrialRun
from judge.verdicts import Verdict


class Audience(StrEnum):
    """Who looks at somebody's submission."""

    OWNER = "owner"
    JURY = "jury"
    REVIEWER = "reviewer"
    NEIGHBOUR = "neighbour"
    PUBLIC = "public"


class Phase(StrEnum):
    """When it is looked at: outside any event, or in a phase of the submission's event."""

    PRACTICE = "practice"
    BEFORE = "before"
    RUNNING = "running"
    FROZEN = "frozen"
    FINAL = "final"

    @property
    def open(self) -> bool:
        """Tell whether everybody may know results."""
        return self in {Phase.PRACTICE, Phase.RUNNING, Phase.FINAL}

    @property
    def over(self) -> bool:
        """Tell whether a submission can no longer help anybody in its event."""
        return self in {Phase.PRACTICE, Phase.FINAL}


class TestClass(StrEnum):
    """Whether players are given a test case."""

    __test__ = False

    SAMPLE = "sample"
    SECRET = "secret"  # noqa: S105 - the format's word


_INSIDERS = frozenset({Audience.OWNER, Audience.JURY})
_ALL = frozenset(Audience)
_ONLOOKERS = frozenset({Audience.PUBLIC, Audience.REVIEWER})
# Live updates of a submission, followed by its problem as well.
_SUBMITTED = frozenset({"queued", "judged"})
# A live update by its kind: who gets it, and what of it.
_UPDATES: Mapping[str, tuple[frozenset[Audience], tuple[str, ...]]] = {
    "queued": (_ALL, fields.SUBJECT),
    "compiling": (_INSIDERS, (*fields.SUBJECT, "total")),
    "running": (_INSIDERS, (*fields.SUBJECT, "index", "total", "sample", "verdict", "cpu_ms")),
    "judged": (_ALL, (*fields.SUBJECT, *fields.RESULT, *fields.USAGE)),
    "job": (_INSIDERS, fields.JOB),
    "event": (_ALL, fields.EVENT),
    "statement": (_ALL, fields.STATEMENT),
    "presence": (_ALL, fields.PRESENCE),
    "progress": (_ALL, (*fields.IN_EVENT, "submission_id", "stage", "passed", "total")),
    # Which cells changed, on the board that everybody sees and on the jury's.
    "board": (_ALL, fields.BOARD),
    "jury_board": (frozenset({Audience.JURY}), fields.BOARD),
    # A step of the thaw, as everybody sees it on the board from then on.
    "reveal": (_ALL, fields.REVEAL),
    "duel": (_INSIDERS, fields.DUEL),
    "clarification": (_ALL, fields.CLARIFICATION),
    # A question is its asker's and the jury's until it is answered to all.
    "question": (frozenset({Audience.JURY}), (*fields.CLARIFICATION, "from_user_id")),
}


def audience(
    user: CurrentUser | None, owner_id: UUID | None, *, author_id: UUID | None = None
) -> Audience:
    """Return what a caller is to somebody's submission; `author_id` owns the problem."""
    if user is None:
        return Audience.PUBLIC
    if user.jury:
        return Audience.JURY
    if author_id is not None and user.id == author_id and Role.AUTHOR in user.roles:
        return Audience.JURY
    if owner_id is not None and user.id == owner_id:
        return Audience.OWNER
    return Audience.REVIEWER if Role.REVIEWER in user.roles else Audience.PUBLIC


def phase_of(event_id: UUID | None, known: Phase | None = None) -> Phase:
    """Return the phase a submission is in; an event nobody knows of shows nothing to others."""
    if event_id is None:
        return Phase.PRACTICE
    return known or Phase.FROZEN


def may_see_source(who: Audience, phase: Phase = Phase.RUNNING) -> bool:
    """Tell whether somebody may read a submission's source."""
    return who in _INSIDERS or (who is Audience.REVIEWER and phase.over)


def may_watch_source(
    submitted_at: datetime,
    *,
    delay_s: int | None,
    frozen_from: datetime | None,
    playing: bool,
    now: datetime,
) -> bool:
    """Tell whether somebody who watches an event may read what was handed in there then.

    Without a delay nobody may, and nobody who plays there while it goes on; what was handed in
    while the board stands still waits for the thaw.
    """
    if delay_s is None or playing:
        return False
    if frozen_from is not None and submitted_at >= frozen_from:
        return False
    return submitted_at + timedelta(seconds=delay_s) <= now


def may_see_usage(who: Audience) -> bool:
    """Tell whether somebody may know what a submission took of time and memory."""
    return who in _INSIDERS or who is Audience.NEIGHBOUR


def about_source(row: Any, who: Audience, phase: Phase) -> dict[str, Any]:
    """Return what is told of a source beside its text, to those who may read that."""
    return fields.picked(row, fields.ABOUT_SOURCE) or {} if may_see_source(who, phase) else {}


def may_see_result(who: Audience, phase: Phase = Phase.FROZEN) -> bool:
    """Tell whether somebody may know how a submission was judged."""
    if who in _INSIDERS or who is Audience.NEIGHBOUR:
        return True
    return phase.open


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What may be shown of a run."""

    index: int
    sample: bool
    verdict: Verdict
    name: str | None = None
    cpu_ms: int | None = None
    memory_bytes: int | None = None
    message: str | None = None
    difference: dict[str, Any] | None = None
    jury: dict[str, Any] | None = None


def test_class(run: Any) -> TestClass:
    """Return the class of a run's test case; a sample only if everything says so."""
    name = fields.read(run, "case_name") or fields.read(run, "case") or ""
    said = fields.read(run, "sample")
    sample = str(name).startswith("sample/") and said is not False
    return TestClass.SAMPLE if sample else TestClass.SECRET


test_class.__test__ = False  # type: ignore[attr-defined] # pytest would take it for a test


def run(row: Any, who: Audience, *, index: int | None = None) -> Shown | None:
    """Return what somebody may see of a run (a row or a record); only owner and jury see any."""
    if who not in _INSIDERS:
        return None
    sample = test_class(row) is TestClass.SAMPLE
    open_to = sample or who is Audience.JURY
    position, memory = fields.read(row, "position"), fields.read(row, "memory_bytes")
    return Shown(
        index=position if isinstance(position, int) else index or 0,
        sample=sample,
        verdict=Verdict(fields.read(row, "verdict")),
        name=(fields.read(row, "case_name") or fields.read(row, "case")) if open_to else None,
        cpu_ms=_ms(fields.coarse(fields.read(row, "cpu_us"), fields.CPU_STEP_US, exact=open_to)),
        memory_bytes=fields.coarse(memory, fields.MEMORY_STEP, exact=open_to),
        message=(fields.read(row, "team_message") or None) if open_to else None,
        difference=fields.picked(fields.read(row, "difference"), fields.DIFFERENCE)
        if open_to
        else None,
        jury=fields.picked(row, fields.RUN_JURY) if who is Audience.JURY else None,
    )


def progress(index: int, total: int, case: str, done: Run | None) -> dict[str, Any]:
    """Return what a live update says of a case: never its name."""
    told: dict[str, Any] = {"index": index, "total": total, "sample": case.startswith("sample/")}
    if done is not None:
        told["verdict"] = done.verdict.value
        told["cpu_ms"] = _ms(fields.coarse(done.cpu_us, fields.CPU_STEP_US, exact=told["sample"]))
    return told


def verdict(judging: Any, who: Audience, phase: Phase = Phase.FROZEN) -> Verdict | None:
    """Return the verdict; our own failure is pending to all but the jury."""
    found = fields.read(judging, "verdict")
    if found is None or not _counts(judging, who) or not may_see_result(who, phase):
        return None
    concluded = Verdict(found)
    return None if concluded is Verdict.JE and who is not Audience.JURY else concluded


def reason(judging: Any, who: Audience) -> str:
    """Return why, where the player is told: compile errors are theirs, ours are not."""
    told = who is Audience.JURY or (
        who is Audience.OWNER and fields.read(judging, "verdict") == Verdict.CE
    )
    return str(fields.read(judging, "reason") or "") if told else ""


def override(judging: Any, who: Audience) -> dict[str, Any] | None:
    """Return the jury's word in the place of the judge's: that it is, to them by whom and why."""
    found = (fields.read(judging, "extra") or {}).get("override")
    return found and (fields.picked(found, fields.OVERRIDE) if who is Audience.JURY else {})


def compile_log(judging: Any, who: Audience) -> str:
    """Return the compiler's output, which is made of the player's own source."""
    return str(fields.read(judging, "compile_log") or "") if who in _INSIDERS else ""


def judgement(judging: Any, runs: Iterable[Any], who: Audience, phase: Phase) -> dict[str, Any]:
    """Return a judging, or a judgement's record, with its runs."""
    if not _counts(judging, who):
        return {}
    result = verdict(judging, who, phase)
    shown: dict[str, Any] = {"verdict": result, "compile_log": compile_log(judging, who)}
    shown["reason"] = reason(judging, who)
    if result is not None:
        shown["score"] = _number(fields.read(judging, "score"))
        if may_see_usage(who):
            shown["cpu_ms"] = _ms(fields.read(judging, "cpu_us"))
            shown["memory_bytes"] = fields.read(judging, "memory_bytes")
    numbered = enumerate(runs, start=1)
    seen = [each for n, row in numbered if (each := run(row, who, index=n)) is not None]
    shown["runs"] = [fields.picked(each, Shown.__slots__) for each in seen]
    return {key: each for key, each in shown.items() if each not in (None, "", [])}


def submission(
    row: Any,
    who: Audience,
    phase: Phase,
    *,
    judging: Any = None,
    runs: Iterable[Any] = (),
    files: Mapping[str, bytes | str] | None = None,
) -> dict[str, Any] | None:
    """Return a submission for exports, webhooks and lists; None where it does not exist."""
    if phase is Phase.BEFORE and who not in _INSIDERS:
        return None
    inside = who in _INSIDERS
    shown = fields.picked(row, fields.SUBMISSION_INSIDE if inside else fields.SUBMISSION) or {}
    submitted_at = fields.read(row, "submitted_at")
    shown["submitted_at"] = submitted_at.isoformat() if submitted_at is not None else None
    if judging is not None:
        shown["judgement"] = judgement(judging, runs, who, phase)
    if files is not None and may_see_source(who, phase):
        shown["files"] = {name: _text(content) for name, content in files.items()}
    return shown


def problem(row: Any, version: Any, *, jury: bool, phase: Phase) -> dict[str, Any] | None:
    """Return a problem; nobody but its jury knows of it when it is hidden or still to come.

    Test data, jury solutions and validators have no place here: only their package has them.
    """
    hidden = fields.read(row, "visibility") != "public"
    if not jury and (hidden or phase is Phase.BEFORE):
        return None
    shown = fields.picked(row, fields.PROBLEM) or {}
    return shown | (fields.picked(version, fields.VERSION_JURY if jury else fields.VERSION) or {})


def trial(tried: Trial) -> dict[str, Any]:
    """Return what the owner of a trial is told of it, as a job's result keeps it.

    What was printed about an input that people are not given stays here, as does whatever may
    tell of an answer that they are not.
    """
    return {
        "compiled": tried.compiled,
        "reason": tried.reason,
        "compile_log": tried.compile_log,
        "total": tried.total,
        "runs": [_trial_run(each) for each in tried.runs],
    }


def _trial_run(tried: TrialRun) -> dict[str, Any]:
    shown = {
        "name": tried.name,
        "sample": tried.sample,
        "verdict": tried.verdict.value if tried.verdict is not None else None,
        "reason": tried.reason,
        "exit_code": tried.exit_code,
        "signal": tried.signal,
        "cpu_ms": _ms(tried.cpu_us),
        "memory_bytes": tried.memory_bytes,
        "withheld": not (tried.input_shown and tried.answer_shown),
    }
    if tried.input_shown:
        shown["stdout"] = fields.content(tried.stdout)
        shown["stderr"] = fields.content(tried.stderr)
    if tried.input_shown and tried.answer_shown:
        shown["message"] = tried.team_message
        shown["difference"] = fields.picked(tried.difference, fields.DIFFERENCE)
    return {key: each for key, each in shown.items() if each not in (None, "")}


def update(
    kind: str, data: Mapping[str, Any], who: Audience, phase: Phase
) -> dict[str, Any] | None:
    """Return what a follower gets of a live update; None for nothing at all."""
    told_to, names = _UPDATES.get(kind, (frozenset(), ()))
    if who not in told_to or (phase is Phase.BEFORE and who not in _INSIDERS):
        return None
    if data.get("current") is False and who is not Audience.JURY:
        return None
    if kind in _SUBMITTED and who in _ONLOOKERS and data.get("event_id") is not None:
        # Of events there are boards, which know who may know of them.
        return None
    if kind == "judged" and not may_see_result(who, phase):
        return None
    if kind == "progress" and data.get("hidden") is not False and who is not Audience.JURY:
        # The board stands still; how long the testing takes says something, too.
        return None
    if not may_see_usage(who):
        names = tuple(name for name in names if name not in fields.USAGE)
    shown = {name: data[name] for name in names if fields.plain(data.get(name))}
    if shown.get("verdict") == Verdict.JE and who is not Audience.JURY:
        shown["verdict"] = None
    return shown


def state(item: Mapping[str, Any], who: Audience, phase: Phase) -> dict[str, Any] | None:
    """Return what a follower gets of the present state of a submission or a job."""
    if "job_id" in item:
        return update("job", item, who, phase)
    if "update" in item:
        found = update(item["update"], item, who, phase)
        return None if found is None else {"update": item["update"], **found}
    shown = update("judged", item, who, phase)
    if shown is None:
        shown = update("queued", item, who, phase)
        if shown is not None and item.get("current") is not False:
            # That it waits is all that is known of a hidden result.
            shown["state"] = "queued"
    elif who in _INSIDERS and fields.plain(item.get("total")):
        shown["total"] = item["total"]
    return shown


def _counts(judging: Any, who: Audience) -> bool:
    """Tell whether a judging is the current one; others are a jury's preview or its past."""
    return who is Audience.JURY or fields.read(judging, "is_current") is not False


def _ms(microseconds: Any) -> int | None:
    return None if microseconds is None else -(-int(microseconds) // 1000)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(content: bytes | str) -> str:
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else content
