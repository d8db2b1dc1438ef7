"""All submissions ever compared, in memory: what comes in is compared with them at once.

The index is made from the fingerprints in PostgreSQL. Its file only saves that work at the next
start: one that is damaged, of another version or of another database is left aside, and what came
since is added. First, last and best of each person and problem are in it.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from api.db.models import (
    CodeSubmission,
    NeighbourKind,
    SimilarityFingerprint,
    SimilarityNeighbour,
)
from api.logs import logger
from api.similarity import choosing
from api.similarity.embeds import Embeds
from api.similarity.fingerprinting import Fingerprints, Kept
from api.similarity.threads import OneThread
from api.wiring import Parts
from judge.similarity import Fingerprint, Index, Neighbour, vector

NEIGHBOURS_MAX = 20
# Below this two submissions share what everybody writes.
SCORE_MIN = 0.1
# A model finds all short programs of one language alike: of its hints only the best are kept.
MEANING_MIN = 0.8
MEANT_MAX = 10
_BATCH = 500
_CHOSEN_MAX = 1_000_000
_log = logger(__name__)


class Archive:
    """The index of one database."""

    def __init__(
        self, parts: Parts, fingerprints: Fingerprints, embeds: Embeds | None = None
    ) -> None:
        self._sessions = parts.sessions
        self._fingerprints = fingerprints
        self._embeds = embeds or Embeds(parts)
        self._file = parts.settings.similarity_dir / "index.bin"
        self._index = Index()
        self._changed = False
        self._thread = OneThread()

    def __len__(self) -> int:
        return len(self._index)

    async def open(self, progress: Callable[[int, str], None] = lambda _, __: None) -> bool:
        """Read the index and bring it up to date; tell whether its file could be used."""
        index = await asyncio.to_thread(self._read)
        self._index = index or Index()
        async with self._sessions() as session:
            chosen = await choosing.choose(session, limit=_CHOSEN_MAX)
            long = set(
                await session.scalars(
                    select(SimilarityFingerprint.submission_id).where(
                        ~SimilarityFingerprint.too_short
                    )
                )
            )
        wanted = {each.id for each in chosen} & long
        known = {each for each in wanted if str(each) in self._index}
        if index is not None and len(index) != len(known):
            # Something in it is gone, or was never in this database: its weights are not ours.
            self._index, known = Index(), set()
            index = None
        new = sorted(wanted - known)
        for start in range(0, len(new), _BATCH):
            kept = await self._fingerprints.kept(new[start : start + _BATCH])
            await asyncio.to_thread(self._add, kept)
            done = min(len(new), start + _BATCH)
            progress(100 * done // len(new), f"indexed {done} of {len(new)}")
        self._changed = bool(new) or index is None
        await self.save()
        return index is not None

    async def rebuild(self, progress: Callable[[int, str], None]) -> None:
        """Make the index anew from PostgreSQL."""
        await self._thread.run(self._file.unlink, missing_ok=True)
        await self.open(progress)

    async def save(self) -> None:
        """Write the index beside the old one, then in its place."""
        if self._changed:
            self._changed = False
            await self._thread.run(self._write)

    async def close(self) -> None:
        """Wait until nothing is written any more."""
        await self._thread.finish()

    async def take(self, ids: Collection[UUID]) -> int:
        """Take in submissions whose fingerprints are kept, and note what is close to them."""
        kept = await self._fingerprints.kept(sorted(ids))
        if not kept:
            return 0
        await self._replace(kept)
        for one in kept:
            found = await self.search(one)
            await self._note(one.id, found, NeighbourKind.TOKENS)
            await self._note(one.id, await self._alike(one), NeighbourKind.MEANING)
        return len(kept)

    async def _alike(self, one: Kept) -> list[Neighbour]:
        """Return submissions of other people that a model takes for the same: a hint, no more."""
        near = dict(await self._embeds.alike(one.id))
        wanted = select(CodeSubmission.id).where(
            CodeSubmission.id.in_(near), CodeSubmission.user_id != one.user_id
        )
        async with self._sessions() as session:
            others = list(await session.scalars(wanted))
        found = [
            Neighbour(id=str(each), score=near[each])
            for each in others
            if near[each] >= MEANING_MIN
        ]
        return sorted(found, key=lambda each: (-each.score, each.id))[:MEANT_MAX]

    async def search(self, one: Kept, limit: int = NEIGHBOURS_MAX) -> list[Neighbour]:
        """Return the closest submissions of other people."""
        loop = asyncio.get_running_loop()
        by_vector = await self._embeds.candidates(vector(one.fingerprint))

        def load(names: list[str]) -> Iterable[tuple[str, Fingerprint]]:
            ids = [UUID(name) for name in {*names, *by_vector} - {str(one.id)}]
            asked = asyncio.run_coroutine_threadsafe(self._fingerprints.kept(ids), loop)
            return [
                (str(each.id), each.fingerprint)
                for each in asked.result()
                if each.user_id != one.user_id
            ]

        # The person's own are among the candidates and are left out afterwards.
        found = await asyncio.to_thread(self._index.search, one.fingerprint, load, limit)
        return [each for each in found if each.score >= SCORE_MIN]

    async def _replace(self, kept: Sequence[Kept]) -> None:
        """Hold of each person and problem what counts now, and nothing else of theirs."""
        whose = {(each.user_id, each.problem_id) for each in kept}
        pairs = tuple_(CodeSubmission.user_id, CodeSubmission.problem_id)
        async with self._sessions() as session:
            chosen = await choosing.choose(session, pairs.in_(whose), limit=_CHOSEN_MAX)
            all_of_them = set(
                await session.scalars(select(CodeSubmission.id).where(pairs.in_(whose)))
            )
        counts = {each.id for each in chosen}
        for gone in all_of_them - counts:
            self._index.discard(str(gone))
        new = [each for each in counts if str(each) not in self._index]
        await asyncio.to_thread(self._add, await self._fingerprints.kept(sorted(new)))
        self._changed = True

    def _add(self, kept: Sequence[Kept]) -> None:
        for each in kept:
            self._index.add(str(each.id), each.fingerprint)

    async def _note(self, one: UUID, found: Sequence[Neighbour], kind: NeighbourKind) -> None:
        rows = []
        for each in found:
            first, second = sorted((one, UUID(each.id)))
            rows.append({"first_id": first, "second_id": second, "kind": kind, "score": each.score})
        async with self._sessions() as session:
            await session.execute(
                delete(SimilarityNeighbour).where(
                    or_(SimilarityNeighbour.first_id == one, SimilarityNeighbour.second_id == one),
                    SimilarityNeighbour.kind == kind,
                )
            )
            if rows:
                adding = insert(SimilarityNeighbour).values(rows)
                await session.execute(adding.on_conflict_do_nothing())
            await session.commit()

    def _read(self) -> Index | None:
        try:
            return Index.from_bytes(_intact(self._file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("similarity.index", error=str(error), remedy="it is made anew")
            return None

    def _write(self) -> None:
        body = self._index.to_bytes()
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        with new.open("wb") as opened:
            opened.write(hashlib.sha256(body).digest() + body)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(self._file)


def _intact(stored: bytes) -> bytes:
    """Return what follows its own digest; raises `ValueError` when it does not."""
    digest, body = stored[:32], stored[32:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("its bytes changed")
    return body
