"""Decisions about pairs and appeals against them; every act leaves a row in the audit log."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api import audit
from api.auth import CurrentUser
from api.db.models import (
    AppealState,
    CodeSubmission,
    Decision,
    SimilarityAppeal,
    SimilarityDecision,
)
from api.errors import ConflictError, InvalidError, NotFoundError
from api.similarity import access, schemas

SUBJECT = "similarity_pair"
NO_PAIR = "there is no such pair of submissions"


def ordered(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    """Return a pair as it is kept, whichever was named first."""
    if one == other:
        raise InvalidError("a pair is of two submissions", slug="pair-of-one")
    return (one, other) if one < other else (other, one)


def subject(pair: tuple[UUID, UUID]) -> tuple[str, str]:
    """Return how the audit log names a pair."""
    return SUBJECT, f"{pair[0]}:{pair[1]}"


async def seen(session: AsyncSession, user: CurrentUser, pair: tuple[UUID, UUID]) -> None:
    """Raise `NotFoundError` unless both are there and the caller may compare them."""
    rows = list(
        await session.scalars(select(CodeSubmission.event_id).where(CodeSubmission.id.in_(pair)))
    )
    if len(rows) < len(pair) or not await access.may_see(session, user, rows):
        raise NotFoundError(NO_PAIR, slug="pair-not-found")


async def decide(
    session: AsyncSession, user: CurrentUser, pair: tuple[UUID, UUID], new: schemas.NewDecision
) -> None:
    """Set the decision about a pair. The caller commits."""
    await seen(session, user, pair)
    values = {
        "decision": new.decision,
        "note": new.note,
        "decided_by": user.id,
        "decided_at": func.now(),
    }
    await session.execute(
        insert(SimilarityDecision)
        .values(first_id=pair[0], second_id=pair[1], **values)
        .on_conflict_do_update(index_elements=["first_id", "second_id"], set_=values)
    )
    audit.record(
        session,
        user,
        "similarity.decided",
        subject=subject(pair),
        detail={"decision": new.decision.value, "note": new.note},
    )


async def of_owner(
    session: AsyncSession, user: CurrentUser, submission_id: UUID
) -> schemas.OwnDecisions:
    """Return what concerns a submission of the caller's, and nothing of the others in it."""
    await _own(session, user, submission_id)
    appeals = await session.scalars(
        select(SimilarityAppeal)
        .where(SimilarityAppeal.submission_id == submission_id)
        .order_by(SimilarityAppeal.id)
    )
    return schemas.OwnDecisions(
        confirmed=len(await _confirmed(session, submission_id)),
        # One text may stand against several pairs: it is shown once.
        appeals=list({each.text: _own_appeal(each) for each in appeals}.values()),
    )


async def appeal(
    session: AsyncSession, user: CurrentUser, submission_id: UUID, text: str
) -> schemas.OwnDecisions:
    """Appeal against every confirmed decision about one's submission. The caller commits."""
    await _own(session, user, submission_id)
    confirmed = await _confirmed(session, submission_id)
    if not confirmed:
        raise ConflictError("no confirmed decision names this submission", slug="nothing-to-appeal")
    for found in confirmed:
        pair = (found.first_id, found.second_id)
        session.add(
            SimilarityAppeal(
                submission_id=submission_id,
                first_id=pair[0],
                second_id=pair[1],
                made_by=user.id,
                text=text,
                state=AppealState.OPEN,
                answer="",
            )
        )
        audit.record(session, user, "similarity.appealed", subject=subject(pair))
    try:
        await session.flush()
    except IntegrityError as error:
        raise ConflictError("this submission has appealed already", slug="appealed") from error
    return await of_owner(session, user, submission_id)


async def answer(
    session: AsyncSession, user: CurrentUser, appeal_id: UUID, said: schemas.Answer
) -> SimilarityAppeal:
    """Answer an appeal; one that is upheld dismisses the pair. The caller commits."""
    found = await session.get(SimilarityAppeal, appeal_id, with_for_update=True)
    if found is None:
        raise NotFoundError("there is no such appeal", slug="appeal-not-found")
    pair = (found.first_id, found.second_id)
    await seen(session, user, pair)
    if found.state is not AppealState.OPEN:
        raise ConflictError("this appeal has been answered", slug="appeal-answered")
    found.state = AppealState.UPHELD if said.upheld else AppealState.REJECTED
    found.answer, found.answered_by, found.answered_at = said.answer, user.id, datetime.now(UTC)
    audit.record(
        session,
        user,
        "similarity.answered",
        subject=subject(pair),
        detail={"appeal_id": str(appeal_id), "state": found.state.value, "answer": said.answer},
    )
    if said.upheld:
        new = schemas.NewDecision(decision=Decision.DISMISSED, note=said.answer)
        await decide(session, user, pair, new)
    await session.flush()
    return found


async def _own(session: AsyncSession, user: CurrentUser, submission_id: UUID) -> None:
    owner = await session.scalar(
        select(CodeSubmission.user_id).where(CodeSubmission.id == submission_id)
    )
    if owner != user.id:
        raise NotFoundError("there is no such submission", slug="submission-not-found")


async def _confirmed(session: AsyncSession, submission_id: UUID) -> list[SimilarityDecision]:
    either = or_(
        SimilarityDecision.first_id == submission_id,
        SimilarityDecision.second_id == submission_id,
    )
    wanted = select(SimilarityDecision).where(
        either, SimilarityDecision.decision == Decision.CONFIRMED
    )
    return list(await session.scalars(wanted))


def _own_appeal(row: SimilarityAppeal) -> schemas.OwnAppeal:
    return schemas.OwnAppeal(
        id=row.id,
        text=row.text,
        state=row.state,
        answer=row.answer,
        made_at=row.created_at,
        answered_at=row.answered_at,
    )
