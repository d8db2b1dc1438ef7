"""Patterns and suggestions as they are read and written over HTTP, and who may.

Game masters, and authors their own problems', always; reviewers not while an event with the
problem is to come or goes on, since they may be players there. Players never.
"""

from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit, redaction
from api.auth import CurrentUser, Role
from api.db.models import (
    CodeProblem,
    CodeSubmission,
    Event,
    EventProblem,
    EventState,
    Judging,
    JudgingState,
    SolutionPattern,
    SolutionSuggestion,
    SuggestionRule,
)
from api.errors import ForbiddenError, NotFoundError
from api.problems import queries as problems
from api.redaction import Audience
from api.similarity import access
from api.similarity import pattern_schemas as schemas
from judge.verdicts import Verdict

_NOT_NOW = (*access.OVER, EventState.REQUESTED, EventState.REJECTED, EventState.CANCELLED)
_OFF = "the author of this problem has not switched suggestions on"


async def problem(
    session: AsyncSession, user: CurrentUser, name: str, *, jury: bool = False
) -> CodeProblem:
    """Return a problem whose patterns the caller may see; only its jury's with `jury`."""
    user.need(Role.REVIEWER, Role.AUTHOR)
    found, _ = await problems.one(session, user, name)
    await _need(session, user, found, jury=jury)
    return found


async def shown(session: AsyncSession, found: CodeProblem) -> schemas.PatternList:
    """Return the patterns of a problem, the most frequent first."""
    rows = list(
        await session.scalars(
            select(SolutionPattern)
            .where(SolutionPattern.problem_id == found.id)
            .order_by(SolutionPattern.solutions.desc(), SolutionPattern.id)
        )
    )
    return schemas.PatternList(
        problem_id=found.id,
        solutions=max((row.total for row in rows), default=0),
        items=[_pattern(row) for row in rows],
    )


async def change(
    session: AsyncSession,
    user: CurrentUser,
    found: CodeProblem,
    pattern_id: UUID,
    said: schemas.PatternChange,
) -> schemas.PatternShown:
    """Name or verify a pattern. The caller commits."""
    row = await session.get(SolutionPattern, pattern_id, with_for_update=True)
    if row is None or row.problem_id != found.id:
        raise NotFoundError("this problem has no such pattern", slug="pattern-not-found")
    if "name" in said.model_fields_set:
        row.given_name = said.name
    if said.verified is not None and said.verified != row.verified:
        row.verified = said.verified
        row.verified_by = user.id if said.verified else None
        row.verified_at = func.now() if said.verified else None
    audit.record(
        session,
        user,
        "pattern.changed",
        subject=("solution_pattern", row.id),
        detail=said.model_dump(exclude_unset=True),
    )
    await session.flush()
    await session.refresh(row)
    return _pattern(row)


async def rule(session: AsyncSession, found: CodeProblem) -> schemas.PointsRule:
    """Return whether points are suggested for a problem; never by default."""
    return _rule(await session.get(SuggestionRule, found.id)) or schemas.PointsRule(enabled=False)


async def set_rule(
    session: AsyncSession, user: CurrentUser, found: CodeProblem, said: schemas.PointsRule
) -> None:
    """Switch suggestions of a problem on or off. The caller commits."""
    values = {**said.model_dump(), "changed_by": user.id}
    await session.execute(
        insert(SuggestionRule)
        .values(problem_id=found.id, **values)
        .on_conflict_do_update(index_elements=["problem_id"], set_=values)
    )
    audit.record(
        session,
        user,
        "suggestions.changed",
        subject=("problem", found.id),
        detail=said.model_dump(),
    )


async def suggestion(
    session: AsyncSession, user: CurrentUser, submission_id: UUID
) -> schemas.SuggestionShown:
    """Return the points suggested for a submission, or why there are none."""
    user.need(Role.REVIEWER, Role.AUTHOR)
    row = await session.get(CodeSubmission, submission_id)
    of = await session.get(CodeProblem, row.problem_id) if row is not None else None
    if row is None or of is None or not await _may_see(session, user, row, of):
        raise NotFoundError("there is no such submission", slug="submission-not-found")
    judging = await session.scalar(
        select(Judging).where(
            Judging.submission_id == row.id,
            Judging.is_current,
            Judging.state == JudgingState.DONE,
        )
    )
    kept = await session.get(SolutionSuggestion, row.id)
    pattern = (
        await session.get(SolutionPattern, kept.pattern_id)
        if kept is not None and kept.pattern_id is not None
        else None
    )
    by = _rule(await session.get(SuggestionRule, of.id))
    reason = _missing(by, judging, kept, pattern)
    if reason is not None or by is None or kept is None or pattern is None:
        return _answer(row, judging, by, reason=reason)
    points, steps = worked_out(by, kept)
    return _answer(row, judging, by).model_copy(
        update={
            "points": points,
            "calculation": steps,
            "closeness": kept.closeness,
            "pattern": _pattern(pattern),
            "evidence": kept.evidence,
            "made_at": kept.made_at,
        }
    )


def worked_out(by: schemas.PointsRule, kept: SolutionSuggestion) -> tuple[float, list[str]]:
    """Return the points and the sum they come from."""
    weigh = {
        name: sum(each["weight"] for each in kept.evidence[name])
        for name in ("matched", "missing", "extra")
    }
    either = sum(weigh.values())
    sums = f"{weigh['matched']:.4g} / {either:.4g} = {kept.closeness:.4g}"
    steps = [f"closeness = matched / (matched + missing + extra) = {sums}"]
    if kept.closeness < by.closeness_min:
        return 0.0, [*steps, f"{kept.closeness:.4g} < {by.closeness_min:g}: no points"]
    points = round(kept.closeness * by.points_max, 2)
    return points, [*steps, f"points = {kept.closeness:.4g} * {by.points_max:g} = {points:g}"]


async def _may_see(
    session: AsyncSession, user: CurrentUser, row: CodeSubmission, of: CodeProblem
) -> bool:
    if _jury(user, of):
        return True
    return (
        Role.REVIEWER in user.roles
        and await access.may_see(session, user, [row.event_id])
        and not await _played(session, of)
    )


async def _need(
    session: AsyncSession, user: CurrentUser, found: CodeProblem, *, jury: bool
) -> None:
    if _jury(user, found):
        return
    if jury or Role.REVIEWER not in user.roles:
        raise ForbiddenError("only the jury of this problem may do that")
    if await _played(session, found):
        raise NotFoundError(
            "its patterns are not shown before its events are over", slug="patterns-not-shown"
        )


def _jury(user: CurrentUser, found: CodeProblem) -> bool:
    return redaction.audience(user, None, author_id=found.owner_id) is Audience.JURY


async def _played(session: AsyncSession, found: CodeProblem) -> bool:
    """Tell whether an event with a problem is to come or goes on."""
    wanted = (
        exists()
        .where(EventProblem.problem_id == found.id)
        .where(Event.id == EventProblem.event_id, Event.state.not_in(_NOT_NOW))
    )
    return bool(await session.scalar(select(wanted)))


def _missing(
    by: schemas.PointsRule | None,
    judging: Judging | None,
    kept: SolutionSuggestion | None,
    pattern: SolutionPattern | None,
) -> str | None:
    """Return why there is no suggestion."""
    if by is None or not by.enabled:
        return _OFF
    if judging is None or judging.verdict is Verdict.JE:
        return "it has not been judged"
    if judging.verdict is Verdict.AC:
        return "it was accepted"
    if kept is None:
        return "it has not been looked at yet"
    if pattern is None:
        return str(kept.evidence.get("reason", "no pattern is close"))
    return None if pattern.verified else "the closest pattern is not verified any more"


def _answer(
    row: CodeSubmission,
    judging: Judging | None,
    by: schemas.PointsRule | None,
    *,
    reason: str | None = None,
) -> schemas.SuggestionShown:
    return schemas.SuggestionShown(
        submission_id=row.id,
        problem_id=row.problem_id,
        verdict=Verdict(judging.verdict) if judging is not None and judging.verdict else None,
        score=float(judging.score) if judging is not None and judging.score is not None else None,
        points=None,
        reason=reason,
        calculation=[],
        closeness=None,
        rule=by,
        pattern=None,
        evidence={},
        made_at=None,
    )


def _rule(row: SuggestionRule | None) -> schemas.PointsRule | None:
    if row is None:
        return None
    return schemas.PointsRule(
        enabled=row.enabled, points_max=row.points_max, closeness_min=row.closeness_min
    )


def _pattern(row: SolutionPattern) -> schemas.PatternShown:
    held = sorted(row.counts.items(), key=lambda each: (-each[1], each[0]))
    return schemas.PatternShown(
        id=row.id,
        name=row.given_name or row.derived_name,
        given_name=row.given_name,
        derived_name=row.derived_name,
        verified=row.verified,
        verified_by=row.verified_by,
        verified_at=row.verified_at,
        solutions=row.solutions,
        people=row.people,
        share=round(row.solutions / row.total, 6) if row.total else 0.0,
        languages=row.families,
        medoid_id=row.medoid_id,
        features=[
            schemas.FeatureShare(feature=name, share=round(count / row.solutions, 6))
            for name, count in held
        ],
        made_at=row.made_at,
    )
