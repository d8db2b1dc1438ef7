"""Finds in a large archive what may be close to one new submission, without comparing with all.

An inverted index over a sample of the grams: a gram is in the sample by its own hash, so copies
keep the same ones. The few that share rare grams are then scored from their whole fingerprints.
Many programs may be equal in what they use: what they do not use decides among those alone.
Names are given by the caller, who keeps the fingerprints; what is here can always be made anew.
"""

import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

from judge.similarity.arrays import Array, Hashes, Reals
from judge.similarity.fingerprints import Fingerprint, Stream
from judge.similarity.hashing import mixed
from judge.similarity.weighting import RARITY_POWER, SMOOTHING

VERSION = 2
_SAMPLE = np.uint32(2**32 // 6)
_TABLE = 1 << 23
_COMMON_SHARE = 0.02
_COMMON_MIN = 400
_FRESH_MAX = 200_000
# What a program does not use weighs so little that it only parts those equal in what they use.
_UNUSED_WEIGHT = 1e-4
# So many more candidates are scored than are asked for: the sample ranks them only roughly.
_SPARE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A submission of the archive that is close to the one asked about."""

    id: str
    score: float


class Index:
    """Sampled grams of an archive, and how many of its submissions hold each gram."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._places: dict[str, int] = {}
        self._gone: set[int] = set()
        self._keys: Array = np.zeros(0, dtype=np.uint64)
        self._fresh: list[tuple[Array, int]] = []
        self._fresh_size = 0
        self._holders = np.zeros(_TABLE, dtype=np.uint32)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def add(self, name: str, one: Fingerprint) -> None:
        """Take a submission in; one of the same name is replaced. Too short ones are left out."""
        self.discard(name)
        if one.too_short:
            return
        place = len(self._names)
        self._names.append(name)
        self._places[name] = place
        for stream in Stream:
            np.add.at(self._holders, _slots(stream, one.gram_set(stream)), 1)
        taken = np.concatenate([_used(one), _unused(one)])
        self._fresh.append((taken, place))
        self._fresh_size += len(taken)
        if self._fresh_size > max(_FRESH_MAX, len(self._keys) // 4):
            self._settle()

    def discard(self, name: str) -> None:
        """Forget a submission; how frequent its grams are is forgotten at the next rebuilding."""
        place = self._places.pop(name, None)
        if place is not None:
            self._gone.add(place)

    def candidates(self, one: Fingerprint, limit: int = 50) -> list[str]:
        """Return the names that share the most of what is rare in a submission."""
        self._settle()
        total = self._shared(_used(one))
        if not total.any():
            return []
        total += _UNUSED_WEIGHT * self._shared(_unused(one)) * (total > 0)
        if self._gone:
            total[list(self._gone)] = 0.0
        near = np.argpartition(-total, min(limit, len(total) - 1))[:limit]
        best = near[np.lexsort((near, -total[near]))]
        return [self._names[place] for place in best.tolist() if total[place] > 0]

    def search(
        self,
        one: Fingerprint,
        load: Callable[[list[str]], Iterable[tuple[str, Fingerprint]]],
        limit: int = 20,
    ) -> list[Neighbour]:
        """Return the closest submissions, scored against how frequent grams are in the archive.

        `load` gives the fingerprints of some names; it may leave out what is gone. The scores are
        made for this ranking: what they mean within a problem, only `compare` can say.
        """
        if one.too_short:
            return []
        asked = [self._weighed(stream, one) for stream in Stream]
        found = []
        others: dict[str, Fingerprint] = {}
        for name, other in load(self.candidates(one, limit + _SPARE)):
            others[name] = other
            total = 0.0
            for stream in Stream:
                total += _overlap(asked[stream], self._weighed(stream, other))
            found.append(Neighbour(id=name, score=round(total / len(Stream), 6)))
        equals = Counter(each.score for each in found)
        everything = one.everything()
        found.sort(
            key=lambda each: (
                -each.score,
                -_likeness(everything, others[each.id]) if equals[each.score] > 1 else 0.0,
                each.id,
            )
        )
        return found[:limit]

    def weights(self, stream: Stream, grams: Hashes) -> Reals:
        """Return how much each gram says in this archive."""
        holders = self._holders[_slots(stream, grams)]
        rarity = np.log((len(self) + 1.0) / (holders + 0.5))
        return np.asarray(np.maximum(rarity, 0.0) ** RARITY_POWER)

    def to_bytes(self) -> bytes:
        """Return the stored form, from which the index is there again at once."""
        self._settle()
        held = io.BytesIO()
        np.savez_compressed(
            held,
            version=np.array([VERSION]),
            names=np.frombuffer("\n".join(self._names).encode(), dtype=np.uint8),
            gone=np.array(sorted(self._gone), dtype=np.int64),
            keys=self._keys,
            holders=self._holders,
        )
        return held.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Index":
        """Read the stored form; raises `ValueError` for anything else."""
        made = cls()
        try:
            with np.load(io.BytesIO(stored), allow_pickle=False) as held:
                if held["version"].tolist() != [VERSION]:
                    raise ValueError("an index of another version")
                names = held["names"].tobytes().decode()
                made._names = names.split("\n") if names else []
                made._gone = set(held["gone"].tolist())
                made._keys = held["keys"]
                made._holders = held["holders"]
        except (OSError, KeyError, EOFError, UnicodeDecodeError, BadZipFile, zlib.error) as error:
            raise ValueError(f"a damaged index: {error}") from error
        made._places = {
            name: place for place, name in enumerate(made._names) if place not in made._gone
        }
        return made

    def _settle(self) -> None:
        """Merge what was added since into the sorted keys: a gram above, a place below."""
        if not self._fresh:
            return
        fresh = [
            (grams.astype(np.uint64) << np.uint64(32)) | np.uint64(place)
            for grams, place in self._fresh
        ]
        self._keys = np.sort(np.concatenate([self._keys, *fresh]))
        self._fresh, self._fresh_size = [], 0

    def _shared(self, asked: Hashes) -> Reals:
        """Return for each place what rare grams it shares with those asked about."""
        nothing = np.zeros(len(self._names))
        wanted = asked.astype(np.uint64) << np.uint64(32)
        low = np.searchsorted(self._keys, wanted)
        counts = np.searchsorted(self._keys, wanted + np.uint64(2**32)) - low
        common = max(_COMMON_MIN, int(len(self) * _COMMON_SHARE))
        useful = (counts > 0) & (counts <= common)
        if not useful.any():
            useful = counts > 0
        low, counts = low[useful], counts[useful]
        if not len(counts):
            return nothing
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        places = (self._keys[np.repeat(low, counts) + within] & np.uint64(2**32 - 1)).astype(int)
        weights = np.repeat(np.log((len(self._names) + 1.0) / (counts + 0.5)), counts)
        return np.asarray(np.bincount(places, weights, minlength=len(self._names)))

    def _weighed(self, stream: Stream, one: Fingerprint) -> tuple[Hashes, Reals]:
        grams = one.gram_set(stream)
        return grams, self.weights(stream, grams)


def _overlap(first: tuple[Hashes, Reals], second: tuple[Hashes, Reals]) -> float:
    """Return what two submissions share of what they weigh."""
    _, mine, _ = np.intersect1d(first[0], second[0], assume_unique=True, return_indices=True)
    masses = (first[1].sum() + SMOOTHING) * (second[1].sum() + SMOOTHING)
    return float(first[1][mine].sum() / np.sqrt(masses))


def _likeness(everything: Fingerprint, other: Fingerprint) -> float:
    """Return the share of runs two submissions have in common, used or not."""
    both = other.everything()
    shared = total = 0
    for stream in Stream:
        first, second = everything.gram_set(stream), both.gram_set(stream)
        common = len(np.intersect1d(first, second, assume_unique=True))
        shared, total = shared + common, total + len(first) + len(second) - common
    return shared / total if total else 0.0


def _used(one: Fingerprint) -> Hashes:
    """Return the sampled grams of what a submission uses of its own, and all of it as one gram.

    Of those who share all that is in the sample an exact copy, or a renamed one, comes first.
    """
    whole = [zlib.crc32(each[one.own].tobytes()) for each in (one.spellings, one.shapes)]
    sampled = [_sampled(each, one.gram_set(each)) for each in Stream]
    return np.unique(np.concatenate([*sampled, np.array(whole, dtype=np.uint32)]))


def _unused(one: Fingerprint) -> Hashes:
    """Return the sampled grams of everything else; they never meet those that are used."""
    if one.own.all():
        return np.zeros(0, dtype=np.uint32)
    sampled = []
    for stream in Stream:
        every = one.everything().gram_set(stream)
        rest = np.setdiff1d(every, one.gram_set(stream), assume_unique=True)
        sampled.append(_sampled(len(Stream) + stream, rest))
    return np.unique(np.concatenate(sampled))


def _sampled(mark: int, grams: Hashes) -> Hashes:
    """Return the sampled ones of some grams, so marked that streams do not meet."""
    return np.asarray(grams[grams < _SAMPLE] * np.uint32(6) + np.uint32(mark), dtype=np.uint32)


def _slots(stream: Stream, grams: Hashes) -> Array:
    """Return where the holders of each gram are counted; a few grams may share a place."""
    return mixed(grams.astype(np.uint64) | (np.uint64(stream + 1) << np.uint64(32))) % np.uint64(
        _TABLE
    )
