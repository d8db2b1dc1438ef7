"""How much a gram says: rare among the submissions of its problem, and in no other problem.

What occurs in several problems is somebody's library or the event's template; dividing by the
number of problems makes it fade without anybody having to name it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judge.similarity.arrays import Array, Hashes, Reals

RARITY_POWER = 0.75
SPREAD_POWER = 1.5
# Added to what a submission weighs, so that two tiny ones are not alike by sharing a line.
SMOOTHING = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rarity:
    """For one stream of one problem: its grams ascending, and in how many submissions each is.

    `problems` is in how many problems of the corpus each occurs; `power` how much more a gram says
    that is rarer, and `smoothing` what is added to what a submission weighs.
    """

    grams: Hashes
    holders: Array
    problems: Array
    submissions: int
    power: float = RARITY_POWER
    smoothing: float = SMOOTHING

    def weights(self) -> Reals:
        """Return the weight of each gram of the problem."""
        return self._weigh(self.holders, self.problems)

    def weights_of(self, grams: Hashes) -> Reals:
        """Return the weights of some grams; one nobody else has is the rarest there is."""
        return self._weigh(self.holders_of(grams), self._of(self.problems, grams))

    def holders_of(self, grams: Hashes) -> Array:
        """Return in how many submissions each gram is."""
        return self._of(self.holders, grams)

    def _weigh(self, holders: Array, problems: Array) -> Reals:
        """Return weights: a power of the logarithm of rarity, over the number of problems."""
        rarity = np.log((self.submissions + 1.0) / (holders + 0.5))
        return np.asarray(
            np.maximum(rarity, 0.0) ** self.power / np.maximum(problems, 1) ** SPREAD_POWER
        )

    def _of(self, values: Array, grams: Hashes) -> Array:
        if not len(self.grams):
            return np.ones(len(grams), dtype=np.int64)
        places = np.minimum(np.searchsorted(self.grams, grams), len(self.grams) - 1)
        return np.where(self.grams[places] == grams, values[places], 1)


def rarities(problems: Sequence[Sequence[Hashes]]) -> list[Rarity]:
    """Return the rarity of one stream for each problem, given the gram sets of its people.

    Several submissions of one person are one set: what one repeats is not common for that.
    """
    counted = [_counted(sets) for sets in problems]
    every, spread = _counted([grams for grams, _ in counted])
    found = []
    for sets, (grams, holders) in zip(problems, counted, strict=True):
        found.append(
            Rarity(
                grams=grams,
                holders=holders,
                problems=spread[np.searchsorted(every, grams)],
                submissions=len(sets),
            )
        )
    return found


def _counted(sets: Sequence[Hashes]) -> tuple[Hashes, Array]:
    """Return the distinct grams, ascending, and in how many of the sets each is."""
    if not sets:
        return np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.int64)
    grams, counts = np.unique(np.concatenate(list(sets)), return_counts=True)
    return grams, counts
