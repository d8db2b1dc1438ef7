"""One run: load, kills, drain, checks, report."""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from . import checking, stack
from .followers import Follower, Recorder
from .killing import Killer, Killing
from .players import Log, Player

TOLD_S = 20.0
LISTED_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything. The same seed kills the same parts in the same order."""

    kills: int
    seed: int
    pause_s: tuple[float, float] = (0.3, 3.0)
    players: int = 6
    workers: int = 3
    apis: int = 2
    between_s: float = 2.0


@dataclass(slots=True)
class Report:
    """What happened, and what was wrong."""

    plan: Plan
    faults: list[str] = field(default_factory=list)
    killed: list[Killing] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Yield the report as people read it."""
        counts = Counter(each.kind.value for each in self.killed)
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        yield f"seed {self.plan.seed}: {len(self.killed)} kills ({kinds})"
        for name, fact in self.facts.items():
            yield f"  {name:<22} {fact}"
        for fault in self.faults[:LISTED_MAX]:
            yield f"  WRONG {fault}"
        if len(self.faults) > LISTED_MAX:
            yield f"  … and {len(self.faults) - LISTED_MAX} more"
        yield "everything was judged once, and rightly" if not self.faults else "FAILED"


async def run(plan: Plan) -> Report:
    """Run the whole thing."""
    report = Report(plan)
    log = Log()
    began = time.monotonic()
    async with stack.running(workers=plan.workers, apis=plan.apis) as held:
        say(f"up after {time.monotonic() - began:.0f} s in {held.root}")
        recorder = Recorder(held.redis.url)
        players = [
            Player(number, held.settings, held.urls, log, seed=plan.seed)
            for number in range(plan.players)
        ]
        followers = [
            Follower(each, held.urls, log, random.Random(f"{plan.seed} follower {number}"))
            for number, each in enumerate(players)
        ]
        killer = Killer(held, plan.seed, plan.pause_s, say, report.killed, report.faults)
        async with _beside(recorder.run(), *(each.run() for each in followers)):
            loading = time.monotonic()
            await _load(plan, players, killer)
            loaded_s = time.monotonic() - loading
            report.faults += await checking.drained(held)
            drained_s = time.monotonic() - loading - loaded_s
            report.faults += await _told(log)
        wrong, judgings = await checking.judged(held, log)
        report.faults += wrong
        await held.stop_workers()
        wrong, left = await checking.nothing_left(held)
        report.faults += wrong
        for follower in followers:
            report.faults += follower.faults
            report.faults += follower.gaps(recorder.heard.get(follower.topic, []))
        report.faults += log.faults
        report.facts = _facts(log, followers, judgings, held, loaded_s, drained_s)
        report.facts["forgotten by Docker"] = left
        report.facts["after a worker's death"] = _failovers(report.killed, judgings)
    return report


async def _load(plan: Plan, players: list[Player], killer: Killer) -> None:
    """Have players send while the killer kills; return when all is up and all is accepted."""
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for player in players:
            group.create_task(player.run(over, pause_s=plan.between_s))
        await killer.run(plan.kills)
        await killer.all_up()
        over.set()


async def _told(log: Log) -> list[str]:
    """Wait until every end was told on its player's stream."""
    deadline = time.monotonic() + TOLD_S
    while missing := log.accepted.keys() - log.told:
        if time.monotonic() > deadline:
            return [f"the end of {each} was never told" for each in missing]
        await asyncio.sleep(0.1)
    return []


@asynccontextmanager
async def _beside(*coroutines: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in coroutines]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _facts(
    log: Log,
    followers: list[Follower],
    judgings: checking.Rows,
    held: stack.Stack,
    loaded_s: float,
    drained_s: float,
) -> dict[str, str]:
    programs = Counter(each.program.name for each in log.accepted.values())
    attempts = Counter(row["attempt"] for row in judgings)
    surprises = [each for part in held.parts for each in part.surprises]
    return {
        "accepted": f"{len(log.accepted)} in {loaded_s:.0f} s, drained after {drained_s:.1f} s",
        "programs": ", ".join(f"{name} {count}" for name, count in sorted(programs.items())),
        "sent again": f"{log.resent} times; {log.broken} broken connections",
        "refused": str(log.refused or "never"),
        "claimed more than once": str(sum(attempts[n] for n in attempts if n > 1))
        + f", at most {max(attempts, default=0)} times",
        "judge errors retried": str(sum(row["errors"] for row in judgings)),
        "streams": f"{sum(each.connections for each in followers)} connections, "
        f"{sum(each.resumed for each in followers)} resumed, "
        f"{sum(each.updates for each in followers)} updates, "
        f"{sum(each.snapshots for each in followers)} snapshots",
        "ended by themselves": "; ".join(surprises[:8]) or "nothing",
    }


def _failovers(killed: list[Killing], judgings: checking.Rows) -> str:
    found = checking.failovers(killed, judgings)
    alone = [(begun, ended) for begun, ended, undisturbed in found if undisturbed]
    text = f"{len(found)} judgings were lost with it"
    if found:
        text += f", verdict after at most {max(ended for _, ended, _ in found):.1f} s"
    if alone:
        text += (
            f"; {len(alone)} with nothing else killed meanwhile: judged anew after at most "
            f"{max(begun for begun, _ in alone):.1f} s, "
            f"verdict after at most {max(ended for _, ended in alone):.1f} s"
        )
    return text


def say(text: str) -> None:
    """Tell whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
