"""Guilds, duels and ratings: tables."""

from fractions import Fraction

import pytest

from judge.errors import UsageError
from judge.scoring import Standing, make
from judge.scoring.duel import Decision, match
from judge.scoring.guilds import Combining, combined, ranked
from judge.scoring.ranking import Row
from judge.scoring.rating import Rated, expected, team, updated


def rows(*scores: int) -> list[Row]:
    return [
        Row(
            participant=f"p{n}",
            rank=n + 1,
            standing=Standing(score=Fraction(score), penalty=10 * n + 5, last=n),
            cells={},
        )
        for n, score in enumerate(scores)
    ]


@pytest.mark.parametrize(
    ("how", "best", "score", "penalty", "last"),
    [
        (Combining.SUM, 0, Fraction(16), 45, 2),
        (Combining.AVERAGE, 0, Fraction("5.333333"), 15, 2),
        (Combining.BEST, 2, Fraction(15), 20, 1),
        (Combining.BEST, 9, Fraction(16), 45, 2),
    ],
)
def test_guild(how: Combining, best: int, score: Fraction, penalty: int, last: int) -> None:
    got = combined(rows(10, 5, 1), how, best=best)
    assert got == Standing(score=score, penalty=penalty, last=last)


def test_guild_without_members_and_without_a_number() -> None:
    assert combined([], Combining.AVERAGE) == Standing()
    with pytest.raises(UsageError, match=r"guild_board\.best"):
        combined(rows(1), Combining.BEST)


def test_guilds_share_ranks() -> None:
    high, low = Standing(score=Fraction(2)), Standing(score=Fraction(1))
    assert [(rank, guild) for rank, guild, _ in ranked({"c": low, "b": high, "a": high})] == [
        (1, "a"),
        (1, "b"),
        (3, "c"),
    ]


@pytest.mark.parametrize(
    ("rounds", "won", "settled", "over", "decision", "winner"),
    [
        (1, {"a": 0, "b": 0}, 0, False, Decision.OPEN, None),
        (1, {"a": 1, "b": 0}, 1, False, Decision.WON, "a"),
        (3, {"a": 1, "b": 0}, 1, False, Decision.OPEN, None),
        (3, {"a": 2, "b": 0}, 2, False, Decision.WON, "a"),
        (2, {"a": 1, "b": 1}, 2, False, Decision.DRAWN, None),
        (3, {"a": 1, "b": 0}, 1, True, Decision.WON, "a"),
        (3, {"a": 1, "b": 1}, 2, True, Decision.DRAWN, None),
        (3, {"a": 0, "b": 0}, 0, True, Decision.DRAWN, None),
        (3, {"a": 0, "b": 0}, 3, False, Decision.DRAWN, None),
    ],
)
def test_match(
    rounds: int,
    won: dict[str, int],
    settled: int,
    *,
    over: bool,
    decision: Decision,
    winner: str | None,
) -> None:
    got = match(rounds, won, settled, over=over)
    assert (got.decision, got.winner) == (decision, winner)


def test_two_players_are_rated_as_elo_does() -> None:
    new = updated([Rated(id="a", rank=1, games=50), Rated(id="b", rank=2, games=50)])
    assert new == {"a": 1510, "b": 1490}
    upset = updated(
        [Rated(id="a", rank=2, rating=1900, games=50), Rated(id="b", rank=1, rating=1500, games=50)]
    )
    assert expected(1900, 1500) == pytest.approx(10 / 11)
    assert upset == {"a": 1882, "b": 1518}


def test_ties_new_players_and_single_ones() -> None:
    assert updated([Rated(id="a", rank=1), Rated(id="b", rank=1)]) == {"a": 1500, "b": 1500}
    assert updated([Rated(id="a", rank=1), Rated(id="b", rank=2, games=50)]) == {
        "a": 1520,
        "b": 1490,
    }
    assert updated([Rated(id="a", rank=1, rating=1234)]) == {"a": 1234}


def test_a_large_field_moves_by_rank() -> None:
    field = [
        Rated(id=f"{n:05}", rank=n + 1, rating=1000 + n % 900, games=20) for n in range(20_000)
    ]
    new = updated(field)
    gains = [new[each.id] - each.rating for each in field]
    assert gains[0] > 15
    assert gains[-1] < -5
    assert abs(sum(gains)) < len(field)


def test_a_team_plays_with_its_mean() -> None:
    assert (team([1500, 1601]), team([])) == (1550, 1500)


@pytest.mark.parametrize(
    ("field", "after"),
    [
        # A pair of 1500 against one of 1500: what one player would gain, each at their own speed.
        (
            ["a x 1 1400 9", "b x 1 1600 50", "c y 2 1500 50", "d y 2 1500 50"],
            "1420 1610 1490 1490",
        ),
        # Drawn by equals: nobody moves, and nobody is compared with who plays beside them.
        (
            ["a x 1 1200 50", "b x 1 1800 50", "c y 1 1500 50", "d y 1 1500 50"],
            "1200 1800 1500 1500",
        ),
        # Three against one of the mean of the three.
        (
            ["a x 2 1300 50", "b x 2 1500 50", "c x 2 1700 50", "d - 1 1500 50"],
            "1290 1490 1690 1510",
        ),
        # A team alone.
        (["a x 1 1300 50", "b x 1 1500 50"], "1300 1500"),
        # A side may be called as somebody alone is.
        (["a b 1 1500 50", "b - 2 1500 50"], "1510 1490"),
    ],
)
def test_teams_are_rated_as_one_opponent(field: list[str], after: str) -> None:
    rated = []
    for said in field:
        who, side, rank, rating, games = said.split()
        name = None if side == "-" else side
        rated.append(Rated(id=who, side=name, rank=int(rank), rating=int(rating), games=int(games)))
    assert [str(each) for each in updated(rated).values()] == after.split()


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="none of icpc, ioi"):
        make("marathon")
