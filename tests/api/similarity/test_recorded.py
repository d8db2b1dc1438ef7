"""What an event records beside submissions: for reviewers, if its rules say so, and for a time.

Played over HTTP, from addresses of the players' own; compared by the job that makes reports.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    CodeProblemVersion,
    DraftStretch,
    EntryKind,
    EventEntry,
    EventParticipant,
    EventState,
    Judging,
    JudgingState,
    SubmissionTrace,
)
from api.jobs.running import JobRunner
from api.neighbours import inbound
from api.worker import _prune
from judge.verdicts import Verdict
from tests.api.rooms.conftest import HOUR, Arena, Arenas, arena, ground
from tests.api.similarity.conftest import COPY, ORIGINAL
from tests.api.similarity.test_reports import read, reported

__all__ = ["arena", "ground"]
pytestmark = pytest.mark.slow

HOME, SCHOOL = "203.0.113.7", "198.51.100.9"
RECORDS = {"record_writing": True, "record_network": True}


async def opened_for(arena: Arenas, **event: Any) -> Arena:
    """Return an event whose problems take programs."""
    here = await arena(**event)
    async with here.parts.sessions() as session:
        await session.execute(update(CodeProblemVersion).values(source_bytes=60_000))
        await session.commit()
    return here


async def saved(here: Arena, who: int, source: str, **more: Any) -> None:
    client = await here.client(who)
    body = {"language": "python3", "source": source, **more}
    said = await client.put(f"{here.path}/drafts/A", json=body)
    assert said.status_code == 200, said.text
    assert said.json().keys() <= {"language", "source", "hand_in", "saved_at"} | {
        "user_id",
        "problem_id",
        "label",
        "submission_id",
    }


async def submitted(here: Arena, who: int, source: str, *, at: str = HOME, **more: Any) -> UUID:
    client = await here.client(who)
    body = {"event_id": str(here.ground.event_id), "problem": "A", "language": "python3"}
    said = await client.post(
        "/v1/submissions",
        json=body | {"source": source} | more,
        headers={"X-Forwarded-For": at},
    )
    assert said.status_code == 202, said.text
    return UUID(said.json()["id"])


async def moved(here: Arena, nth: int, *, seconds: float) -> None:
    """Put what was saved in a stretch by the first player further into the past."""
    by = timedelta(seconds=seconds)
    async with here.parts.sessions() as session:
        await session.execute(
            update(DraftStretch)
            .where(DraftStretch.entry_id == here.ground.entries[0], DraftStretch.nth == nth)
            .values(first_at=DraftStretch.first_at - by)
        )
        await session.commit()


async def signals(here: Arena, runner: JobRunner, one: UUID, other: UUID) -> dict[str, Any]:
    """Have all that was handed in accepted and compared; return what lies beside a pair."""
    async with here.parts.sessions() as session:
        await session.execute(
            update(Judging).values(
                state=JudgingState.DONE, verdict=Verdict.AC, finished_at=func.now()
            )
        )
        await session.commit()
    master = await here.client(None, Role.GAME_MASTER)
    where = await reported(master, runner, event=str(here.ground.event_id), every=True)
    found = (await read(master, f"{where}/pairs"))["items"]
    wanted = {str(one), str(other)}
    (pair,) = [each for each in found if {each["first_id"], each["second_id"]} == wanted]
    detail = await read(master, f"/v1/similarity/pairs/{one}/{other}")
    assert detail["found"][0]["signals"] == pair["signals"]
    return dict(pair["signals"])


async def test_how_a_source_came_to_be_is_told_beside_a_pair(
    arena: Arenas, runner: JobRunner
) -> None:
    """One grew in many saves; the other was there in one, a moment before it was handed in."""
    here = await opened_for(arena, **RECORDS)
    lines = ORIGINAL.splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        await saved(here, 0, "".join(lines[:count]), pasted=3)
    await moved(here, 0, seconds=2400)
    typed = await submitted(here, 0, ORIGINAL)
    # What comes after it is of the next submission.
    await saved(here, 0, ORIGINAL * 3)
    await saved(here, 1, COPY)
    pasted = await submitted(here, 1, COPY, pasted=len(COPY))

    found = await signals(here, runner, typed, pasted)

    slowly, at_once = (found["writing"][str(each)] for each in (typed, pasted))
    longest = max(len(each) for each in lines)
    assert slowly["saves"] == len(lines)
    assert slowly["grown_bytes"] == longest
    assert slowly["draft_bytes"] == slowly["submitted_bytes"] == len(ORIGINAL)
    assert slowly["first_s"] >= 2400 > slowly["grown_s"] >= slowly["last_s"] >= 0
    assert at_once["saves"] == 1
    assert at_once["grown_bytes"] == at_once["submitted_bytes"] == len(COPY)
    assert at_once["first_s"] == at_once["last_s"] == at_once["grown_s"]
    assert found["pasted_said"] == {str(typed): 3, str(pasted): len(COPY)}


async def test_a_later_submission_has_all_that_was_written_before_it(
    arena: Arenas, runner: JobRunner
) -> None:
    """Also what was written for the one before; a rewriting of the same length adds nothing."""
    here = await opened_for(arena, **RECORDS)
    await saved(here, 0, ORIGINAL)
    first = await submitted(here, 0, ORIGINAL)
    await saved(here, 0, "#" * len(ORIGINAL))
    await saved(here, 0, ORIGINAL + "#\n")
    second = await submitted(here, 0, ORIGINAL + "#\n")
    other = await submitted(here, 1, COPY)

    early = await signals(here, runner, first, other)
    late = await signals(here, runner, second, other)

    assert early["writing"][str(first)]["saves"] == 1
    assert late["writing"][str(second)]["saves"] == 3
    assert late["writing"][str(second)]["grown_bytes"] == len(ORIGINAL)
    assert late["writing"][str(second)]["draft_bytes"] == len(ORIGINAL) + 2
    assert late["writing"][str(other)] is None
    async with here.parts.sessions() as session:
        rows = select(DraftStretch.nth, DraftStretch.saves, DraftStretch.grown_bytes)
        assert [tuple(row) for row in await session.execute(rows.order_by("nth"))] == [
            (0, 1, len(ORIGINAL)),
            (1, 2, 2),
        ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (HOME, HOME, True),
        (HOME, SCHOOL, False),
        # A provider's customers are neighbours and strangers.
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("nowhere", "nowhere", None),
    ],
)
async def test_who_shares_a_network(
    arena: Arenas, runner: JobRunner, one: str, other: str, *, same: bool | None
) -> None:
    """By the address that the proxy tells; what is no address is nothing that is known."""
    here = await opened_for(arena, **RECORDS)
    first = await submitted(here, 0, ORIGINAL, at=one)
    second = await submitted(here, 1, COPY, at=other)

    assert (await signals(here, runner, first, second))["same_network"] is same
    async with here.parts.sessions() as session:
        kept = str((await session.execute(select(SubmissionTrace.__table__))).all())
    assert one not in kept


@pytest.mark.parametrize("rules", [{}, {"record_writing": True}, {"record_network": True}])
async def test_nothing_is_kept_that_the_rules_do_not_say(
    arena: Arenas, runner: JobRunner, rules: dict[str, bool]
) -> None:
    """What was not recorded is null, which is not false."""
    here = await opened_for(arena, **rules)
    await saved(here, 0, ORIGINAL, pasted=5)
    one = await submitted(here, 0, ORIGINAL, pasted=7)
    other = await submitted(here, 1, COPY)

    found = await signals(here, runner, one, other)

    writing, network = (bool(rules.get(f"record_{each}")) for each in ("writing", "network"))
    assert found["same_network"] is (True if network else None)
    assert (found["writing"][str(one)] is not None) == writing
    assert found["pasted_said"] == {str(one): 7 if writing else None, str(other): None}
    async with here.parts.sessions() as session:
        rows = (
            await session.execute(select(SubmissionTrace.network, SubmissionTrace.pasted))
        ).all()
        assert await session.scalar(select(func.count()).select_from(DraftStretch)) == writing
    assert len(rows) == (2 if network else 1 if writing else 0)
    assert all((row.network is not None) == network for row in rows)
    # Everybody who knows of the event is told.
    shown = await read(await here.client(1), here.path)
    assert (shown["record_writing"], shown["record_network"]) == (writing, network)


async def test_what_clients_say_is_bounded_and_no_part_of_the_request(arena: Arenas) -> None:
    """A retry that has counted on is the same submission."""
    here = await opened_for(arena, **RECORDS)
    client = await here.client(0)
    body = {"event_id": str(here.ground.event_id), "problem": "A", "language": "python3"}
    path = f"{here.path}/drafts/A"
    for wrong in (-1, 1 << 25, 1.5, "7", True):
        counted = {"source": "1", "pasted": wrong}
        draft = await client.put(path, json={"language": "python3"} | counted)
        assert draft.status_code == 422, wrong
        assert (await client.post("/v1/submissions", json=body | counted)).status_code == 422, wrong
    answers = [
        await client.post(
            "/v1/submissions",
            json=body | {"source": "1", "pasted": pasted},
            headers={"Idempotency-Key": "once"},
        )
        for pasted in (3, 4)
    ]
    assert [each.status_code for each in answers] == [202, 202]
    assert answers[1].json()["replayed"]


async def test_a_draft_of_another_entry_is_another_history(arena: Arenas) -> None:
    """Who plays again begins anew: what is there already is there at once."""
    here = await opened_for(arena, **RECORDS)
    await saved(here, 0, ORIGINAL)
    now = datetime.now(UTC)
    await here.change(state=EventState.FINISHED, starts_at=now - 6 * HOUR, finished_at=now - HOUR)
    virtual = new_id()
    async with here.parts.sessions() as session:
        session.add(
            EventEntry(
                id=virtual,
                event_id=here.ground.event_id,
                kind=EntryKind.VIRTUAL,
                name="again",
                starts_at=now - timedelta(minutes=1),
            )
        )
        await session.flush()
        session.add(
            EventParticipant(
                entry_id=virtual,
                user_id=here.people[0],
                event_id=here.ground.event_id,
                kind=EntryKind.VIRTUAL,
                name="again",
            )
        )
        await session.commit()
    await saved(here, 0, ORIGINAL + "#")
    async with here.parts.sessions() as session:
        rows = select(DraftStretch.entry_id, DraftStretch.nth, DraftStretch.grown_bytes)
        found = {tuple(row) for row in await session.execute(rows)}
    assert found == {
        (here.ground.entries[0], 0, len(ORIGINAL)),
        (virtual, 0, len(ORIGINAL) + 1),
    }


async def test_it_ends_with_the_person_and_with_its_time(arena: Arenas, runner: JobRunner) -> None:
    """Old reports lose it as well: it was never in them."""
    here = await opened_for(arena, **RECORDS)
    ids = []
    for who, source in enumerate((ORIGINAL, COPY)):
        await saved(here, who, source)
        ids.append(await submitted(here, who, source, pasted=9))
    before = await signals(here, runner, *ids)
    assert before["same_network"] is True

    async with here.parts.sessions() as session:
        gone = {"type": "user.deleted", "occurred_at": datetime.now(UTC).isoformat()}
        body = gone | {"data": {"user_id": str(here.people[0])}}
        await inbound.take(session, "gone", json.dumps(body).encode())
        await session.commit()
    after = await signals(here, runner, *ids)
    assert after["same_network"] is None
    assert after["writing"][str(ids[0])] is None
    assert after["pasted_said"] == {str(ids[0]): None, str(ids[1]): 9}
    assert after["writing"][str(ids[1])] == before["writing"][str(ids[1])]

    days = timedelta(days=here.settings.trace_days)
    ages = [
        (SubmissionTrace.recorded_at, days - HOUR, (1, 1)),
        # Begun long ago, and written to just now.
        (DraftStretch.first_at, days + HOUR, (1, 1)),
        (SubmissionTrace.recorded_at, days + HOUR, (0, 1)),
        (DraftStretch.last_at, days + HOUR, (0, 0)),
    ]
    for column, age, left in ages:
        async with here.parts.sessions() as session:
            await session.execute(update(column.class_).values({column: datetime.now(UTC) - age}))
            await session.commit()
        await _prune(here.parts)
        async with here.parts.sessions() as session:
            counts = [
                await session.scalar(select(func.count()).select_from(table))
                for table in (SubmissionTrace, DraftStretch)
            ]
        assert tuple(counts) == left, column


async def test_nobody_but_reviewers_reads_any_of_it(arena: Arenas, runner: JobRunner) -> None:
    """Not who wrote it, nor a team mate, nor whoever the event is of; the hash goes to nobody."""
    here = await opened_for(arena, **RECORDS)
    ids = []
    for who, source in enumerate((ORIGINAL, COPY)):
        await saved(here, who, source, pasted=8_642_097)
        ids.append(await submitted(here, who, source))
    async with here.parts.sessions() as session:
        await session.execute(
            update(EventParticipant)
            .where(EventParticipant.user_id == here.people[2])
            .values(entry_id=here.ground.entries[0])
        )
        await session.commit()
        hashes = [str(each) for each in await session.scalars(select(SubmissionTrace.network))]
        entry = here.ground.entries[0]
    await signals(here, runner, *ids)
    pair = f"/v1/similarity/pairs/{ids[0]}/{ids[1]}"
    paths = [
        pair,
        f"{here.path}/drafts",
        f"{here.path}/drafts/A",
        f"{here.path}/drafts/A?by={here.people[0]}",
        here.path,
        f"{here.path}/entries",
        f"{here.path}/leaderboard",
        f"/v1/submissions/{ids[0]}",
        f"/v1/submissions/{ids[0]}/source",
        f"/v1/submissions/{ids[0]}/similarity",
        f"/v1/submissions/{ids[0]}/similar",
        f"/v1/submissions?entry={entry}",
        "/v1/submissions",
    ]
    secrets = [*hashes, "8642097", "same_network", "grown_bytes", "pasted_said"]
    mate = await here.client(2)
    theirs = await read(mate, f"{here.path}/drafts/A?by={here.people[0]}")
    assert theirs["source"] == ORIGINAL
    callers = {
        "who wrote it": await here.client(0),
        "a mate": mate,
        "another": await here.client(3),
        "a guild master": await here.client(None, Role.GUILD_MASTER),
        "an author": await here.client(None, Role.AUTHOR),
        # The event goes on, and they may be players there.
        "a reviewer": await here.client(None, Role.REVIEWER),
    }
    for name, client in callers.items():
        for path in paths:
            said = (await client.get(path)).text
            assert not [each for each in secrets if each in said], (name, path)
    await here.change(state=EventState.FINISHED)
    detail = (await callers["a reviewer"].get(pair)).text
    assert [each for each in secrets if each in detail] == secrets[2:]
    assert (await callers["who wrote it"].get(pair)).status_code == 403
