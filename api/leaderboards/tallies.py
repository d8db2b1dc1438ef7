"""How rows are tallied: by whole points, and those of whole points by penalty.

A rank is what the tallies ahead add up to and the rows of one tally. A part is as wide as the
leading five bits of the penalty leave it, a thirty-second to a sixteenth of it, whether a format
counts in seconds, minutes or attempts. Scores with fractions come after all parts of their step.
"""

import math
from fractions import Fraction

LAST = (1 << 63) - 1
_BITS = 5


def place(lost: Fraction, penalty: int) -> tuple[int, int]:
    """Return the step and the part in which a row is tallied."""
    step = math.floor(lost)
    if lost != step:
        return step, LAST
    rest = max(0, penalty.bit_length() - _BITS)
    return step, penalty >> rest << rest


def sql(row: str) -> str:
    """Return the step and the part of a row of a statement, by its name there."""
    lost, penalty = f"{row}.lost", f"{row}.penalty"
    rest = f"greatest(0, {65 - _BITS} - position(B'1' IN {penalty}::bit(64)))"
    whole = f"({penalty} >> {rest}) << {rest}"
    return f"floor({lost}), CASE WHEN {lost} = floor({lost}) THEN {whole} ELSE {LAST} END"
