"""One way to all objects: by kind, whole or those with some ids.

Collections of any size come in pages, so that a whole contest never is in memory at once.
"""

from collections.abc import AsyncIterator, Callable, Collection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.contestapi import configured, happening, standing
from api.contestapi.configured import Objects
from api.contestapi.kinds import Kind, properties
from api.contestapi.viewing import View
from api.db.engine import Sessions

PAGE = 500
# These can be very many; all others fit.
PAGED = frozenset({Kind.SUBMISSIONS, Kind.JUDGEMENTS, Kind.RUNS})


def offered(view: View) -> dict[str, tuple[str, ...]]:
    """Return the endpoints somebody has, with the properties of each."""
    return properties(view.side, scores=view.contest.scores)


async def some(
    session: AsyncSession, view: View, kind: Kind, only: Collection[str] | None = None
) -> Objects:
    """Return objects of a kind that is not paged, or those of any kind with some ids."""
    wanted = None if only is None else _uuids(only)
    match kind:
        case Kind.TEAMS:
            return await configured.teams(session, view.contest, wanted)
        case Kind.PERSONS:
            return await configured.persons(session, view, wanted)
        case Kind.SUBMISSIONS:
            return await happening.submissions(session, view, wanted)
        case Kind.JUDGEMENTS:
            return await happening.judgements(session, view, wanted)
        case Kind.RUNS:
            return await _runs(session, view, only or ())
        case _:
            found = await _small(session, view, kind)
            return found if only is None else [each for each in found if each.get("id") in only]


async def _small(session: AsyncSession, view: View, kind: Kind) -> Objects:
    of = view.contest
    if kind in {Kind.GROUPS, Kind.ORGANIZATIONS}:
        read = configured.groups if kind is Kind.GROUPS else configured.organizations
        return await read(session, of)
    if kind is Kind.CLARIFICATIONS:
        return await happening.clarifications(session, view)
    if kind is Kind.AWARDS:
        return await standing.awards(session, view)
    known: dict[Kind, Callable[[], Objects]] = {
        Kind.CONTEST: lambda: [configured.contest(of)],
        Kind.STATE: lambda: [configured.state(of)],
        Kind.JUDGEMENT_TYPES: lambda: configured.judgement_types(of),
        Kind.LANGUAGES: configured.languages,
        Kind.PROBLEMS: lambda: configured.problems(view),
    }
    return known[kind]()


async def pages(
    sessions: Sessions, view: View, kind: Kind, about: UUID | None = None
) -> AsyncIterator[Objects]:
    """Go through a collection that may be large; `about` is the object the others are of."""
    after: UUID | None = None
    while True:
        async with sessions() as session:
            ids = await happening.page(
                session, view.contest, kind, about=about, after=after, limit=PAGE
            )
            if kind is Kind.RUNS:
                found = await happening.runs(session, view, ids)
                shown = [run for each in ids for run in found.get(each, ())]
            else:
                shown = await some(session, view, kind, [str(each) for each in ids])
        yield shown
        if len(ids) < PAGE:
            return
        after = ids[-1]


async def _runs(session: AsyncSession, view: View, names: Collection[str]) -> Objects:
    parts = [each for name in names if (each := happening.run_parts(name)) is not None]
    found = await happening.runs(session, view, {judging_id for judging_id, _ in parts})
    return [run for several in found.values() for run in several if run["id"] in names]


def matches(each: dict[str, Any], wanted: dict[str, str]) -> bool:
    """Tell whether an object has some ids in its properties; an empty one means none."""
    return all((each.get(name) or "") == value for name, value in wanted.items())


def _uuids(names: Collection[str]) -> list[UUID]:
    found = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    # Only the usual form is an id.
    return [each for each in found if str(each) in names]
