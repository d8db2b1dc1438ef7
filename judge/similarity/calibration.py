"""What a score means: how often two independent submissions of a problem come this close.

The scores of independent pairs have a body and a tail that falls off about exponentially. The
tail is fitted to quantiles below which copies, a few pairs in a hundred at most, hardly reach.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judge.similarity.arrays import Reals

# The fit knows no more than this, however far in the tail a score lies.
CHANCE_MIN = 1e-6
PAIRS_MIN = 45

_LOW, _HIGH = 0.75, 0.95
_SCALE_MIN = 0.012
# With few pairs the quantiles are uncertain: the tail is made wider, by this over their root.
_CAUTION = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The tail of one problem: beyond `start`, which `_LOW` of the pairs do not reach."""

    pairs: int
    median: float
    start: float
    scale: float

    def chance(self, score: float) -> float | None:
        """Return the share of independent pairs that come as close, None when nobody can say."""
        if self.pairs < PAIRS_MIN:
            return None
        if score <= self.start:
            return 1.0 - _LOW
        return max(CHANCE_MIN, (1.0 - _LOW) * math.exp((self.start - score) / self.scale))


def calibrate(scores: Reals | Sequence[float]) -> Calibration:
    """Fit the tail to the scores of pairs taken at random from a problem."""
    values = np.array(scores, dtype=np.float64)
    if not len(values):
        return Calibration(pairs=0, median=0.0, start=0.0, scale=1.0)
    median, low, high = (float(one) for one in np.quantile(values, (0.5, _LOW, _HIGH)))
    scale = (high - low) / math.log((1 - _LOW) / (1 - _HIGH))
    scale = max(scale, _SCALE_MIN) * (1.0 + _CAUTION / math.sqrt(len(values)))
    return Calibration(pairs=len(values), median=median, start=low, scale=scale)
