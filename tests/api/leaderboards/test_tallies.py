"""Tallies: PostgreSQL and the rebuild put a row into the same one, and they keep the order."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from sqlalchemy import text

from api.leaderboards import tallies
from api.wiring import Parts

LOST = [Decimal(-100), Decimal("-2.5"), Decimal("-2.000001"), Decimal(-2), Decimal(0)]
PENALTIES = [0, 1, 15, 16, 31, 32, 33, 63, 64, 719, 720, 18_000, 10**12, (1 << 62) + 12345]
PLACED = """
SELECT {r} FROM (SELECT cast(:lost AS numeric), cast(:penalty AS bigint)) AS r (lost, penalty)
""".replace("{r}", tallies.sql("r"))


async def test_both_sides_agree(parts: Parts) -> None:
    async with parts.sessions() as session:
        for lost in LOST:
            for penalty in PENALTIES:
                row = (
                    await session.execute(text(PLACED), {"lost": lost, "penalty": penalty})
                ).one()
                assert tuple(row) == tallies.place(Fraction(lost), penalty), (lost, penalty)


def test_who_is_ahead_is_in_no_later_tally() -> None:
    rows = sorted((Fraction(lost), penalty) for lost in LOST for penalty in PENALTIES)
    placed = [tallies.place(lost, penalty) for lost, penalty in rows]
    assert all(one <= other for one, other in pairwise(placed))
    assert len(set(placed)) > len(placed) // 2, "tallies that hold everything say nothing"
