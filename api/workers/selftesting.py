"""A worker attacks its own sandbox: the quick part of the corpus, one attack a lease.

Between attacks the slot is free for submissions. What got through is tried once more, since a
busy machine can make an attack look better than it is; what gets through twice counts.
"""

import time
from typing import Any

from judge import selftest
from judge.errors import CodebattleError
from judge.judging import Judge
from judge.selftest import Attack, AttackResult

HELD = "passed"
BROKEN = "broken"


async def attack(judge: Judge) -> dict[str, Any]:
    """Carry out the quick attacks and return what the registry keeps of it."""
    started = time.monotonic()
    succeeded: list[str] = []
    # What seemed to get through once and did not the second time.
    retried: list[str] = []
    notes: list[str] = []
    attacks = [each for each in selftest.load_attacks() if each.quick]
    for each in attacks:
        problems = await _problems(judge, each, notes)
        if not problems:
            continue
        if again := await _problems(judge, each, notes):
            succeeded.append(f"{each.name}: {again[0]}"[:300])
        else:
            retried.append(f"{each.name}: {problems[0]}"[:300])
    return {
        "status": BROKEN if succeeded else HELD,
        "attacks": len(attacks),
        "succeeded": succeeded,
        "retried": retried[:20],
        "notes": sorted(set(notes))[:20],
        "seconds": round(time.monotonic() - started, 1),
    }


async def _problems(judge: Judge, tried: Attack, notes: list[str]) -> tuple[str, ...]:
    try:
        async with judge.lease() as slot:
            report = await selftest.run([slot], attacks=[tried])
    except CodebattleError as error:
        return (str(error),)
    notes += report.notes
    results: tuple[AttackResult, ...] = report.results
    return tuple(problem for each in results for problem in each.problems)
