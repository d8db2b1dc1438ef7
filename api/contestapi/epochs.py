"""Whether a token may be gone on by: the database may have gone back to before it was given.

A contest's row in `contest_feeds` names the life of the database by an epoch of chance, and counts
the looks. A life ends where PostgreSQL is started or promoted, or the table is made or filled
anew: only there can rows be lost. Who comes first afterwards begins another epoch, and writes down
how many looks of the one before are there.

A token says its epoch, and how many looks there were when its line was read. Once another look is
committed, all that was read is before it in the log of PostgreSQL; so a token of an epoch that
ended is good if that next look is there, and one of an epoch that the database knows nothing of,
or with more looks than it knows of, is not: what its reader has may be what nobody else ever saw.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.db.engine import Sessions
from api.db.models import ContestFeed

# Older ones are refused; a feed that is read anew costs time and nothing else.
EPOCHS_MAX = 50
_PLACE = """md5(concat_ws(
    '-', (SELECT system_identifier FROM pg_control_system()),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'codebattle.contest_feeds'::regclass::oid,
    pg_relation_filenode('codebattle.contest_feeds'),
    left(pg_walfile_name(pg_current_wal_lsn()), 8),
    extract(epoch FROM pg_postmaster_start_time())
))"""
_HERE = text(f"SELECT {_PLACE}")
_STANDING = text(f"""
SELECT last_seq, epoch, looks, epochs, place = {_PLACE} AS here
FROM codebattle.contest_feeds WHERE event_id = :event_id
""").bindparams(bindparam("event_id", type_=Uuid()))  # noqa: S608 - a constant of this file


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a contest's marks are, in which life of the database, and whether that is this."""

    seq: int
    epoch: str
    looks: int
    before: Mapping[str, int]
    here: bool

    def knows(self, epoch: str, looks: int) -> bool:
        """Tell whether what was read after so many looks of an epoch is still so."""
        if epoch == self.epoch:
            return looks <= self.looks
        return looks < self.before.get(epoch, 0)


async def standing(session: AsyncSession, event_id: UUID) -> Standing | None:
    """Return how far a contest is; None for one that was never looked at."""
    row = (await session.execute(_STANDING, {"event_id": event_id})).first()
    if row is None:
        return None
    return Standing(
        seq=row.last_seq,
        epoch=row.epoch,
        looks=row.looks,
        before={str(epoch): int(looks) for epoch, looks in row.epochs},
        here=row.here,
    )


async def enter(session: AsyncSession, feed: ContestFeed) -> None:
    """Count a look, in a new epoch if this is another life; who calls it has locked the row."""
    here = str(await session.scalar(_HERE))
    if feed.place != here:
        if feed.epoch:
            feed.epochs = [*feed.epochs, [feed.epoch, feed.looks]][-EPOCHS_MAX:]
        feed.epoch, feed.place = secrets.token_hex(6), here
    feed.looks += 1


async def entered(sessions: Sessions, event_id: UUID) -> Standing | None:
    """Return how far a contest is, in the life that this is."""
    async with sessions() as session:
        found = await standing(session, event_id)
        if found is None or found.here:
            return found
        feed = await session.scalar(
            select(ContestFeed)
            .where(ContestFeed.event_id == event_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if feed is None:
            return None
        await enter(session, feed)
        await session.commit()
        return await standing(session, event_id)
