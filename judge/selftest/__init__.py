"""The self-test: attack our own sandbox, and judge an innocent submission after each attack.

`corpus` reads `judge/attacks/`, `attacking` carries one attack out, `expecting` compares what
happened with what should have, `report` says how it went. Only the sandbox port is used, so
the same attacks run against every backend, at boot (the quick ones) and in `tests/hostile`.
"""

import time
from collections.abc import Callable, Sequence

from judge.sandbox.base import Slot
from judge.selftest.attacking import Attacker
from judge.selftest.corpus import Attack, load_attacks
from judge.selftest.report import AttackResult, SelftestReport

__all__ = ["Attack", "AttackResult", "Attacker", "SelftestReport", "load_attacks", "run"]

Progress = Callable[[int, int, str], object]


async def run(
    slots: Sequence[Slot],
    *,
    quick: bool = False,
    progress: Progress | None = None,
    attacks: Sequence[Attack] | None = None,
) -> SelftestReport:
    """Run the corpus in the first slot; a second slot plays the neighbour.

    `progress` is called with (done, total, name) before each attack and once at the end.
    """
    chosen = [a for a in attacks or load_attacks() if a.quick or not quick]
    started = time.monotonic()
    attacker = Attacker(slot=slots[0], neighbour=slots[1] if len(slots) > 1 else None)
    results: list[AttackResult] = []
    for done, attack in enumerate(chosen):
        if progress is not None:
            progress(done, len(chosen), attack.name)
        results.append(await attacker.carry_out(attack))
    if progress is not None:
        progress(len(chosen), len(chosen), "done")
    return SelftestReport(
        backend=attacker.backend,
        results=tuple(results),
        seconds=time.monotonic() - started,
    )
