"""How many submissions a second are taken in while two slots judge, and how long each waits.

    python -m benchmarks.submit_path [--json]

The whole service on this machine, the judging of what is sent included. Submissions and an
endpoint that does nothing are asked in turn over as many connections, as fast as answers come,
several times; the endpoint shows what the machine, the server and the client allow at all.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from benchmarks import figures, loading, serving
from benchmarks.figures import Figure, Report
from benchmarks.loading import Plan, Result
from benchmarks.measuring import percentile

CONNECTIONS = 12
ROUNDS = 4
ROUND_S = 4.0
WARM = 200
OTHERS = ("postgres", "redis", "worker", "client")


@dataclass(slots=True)
class _Rounds:
    """What was sent, and what each part spent on the submissions, in seconds of CPU."""

    taken: list[Result] = field(default_factory=list)
    empty: list[Result] = field(default_factory=list)
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


async def measure() -> Report:
    """Measure rounds of both and return the figures."""
    rounds = _Rounds()
    async with serving.running() as service:
        users = [service.token() for _ in range(CONNECTIONS)]
        body = serving.body(serving.PYTHON)
        send = [loading.post("/v1/submissions", each, body) for each in users]
        nothing = [loading.get("/livez")] * CONNECTIONS
        for each in (nothing, send):
            await loading.run(Plan(port=service.port, requests=each, count=WARM))
        for _ in range(ROUNDS):
            plan = Plan(port=service.port, requests=nothing, seconds=ROUND_S)
            rounds.empty.append(await loading.run(plan))
            before = service.cpu()
            plan = Plan(port=service.port, requests=send, seconds=ROUND_S)
            rounds.taken.append(await loading.run(plan))
            for part, cpu in service.cpu().items():
                rounds.spent[part] += cpu - before[part]
            rounds.spent["client"] += rounds.taken[-1].cpu_s
        judged = await serving.judged(service)
    return _report(rounds, judged)


def _report(rounds: _Rounds, judged: int) -> Report:
    latencies = [each for one in rounds.taken for each in one.latencies_ms]
    count = len(latencies)
    accepted = sum(each.statuses.get("202", 0) for each in rounds.taken)
    wall = sum(each.wall_s for each in rounds.taken)
    rate, floor = accepted / wall, median(each.rate for each in rounds.empty)
    floor_p99 = median(each.percentile(99) for each in rounds.empty)
    each_ms = {part: 1000 * cpu / count for part, cpu in rounds.spent.items()}
    return Report(
        figures=(
            Figure(
                name="submissions accepted while two slots judge",
                value=rate,
                unit="/s",
                bound=200,
                at_least=True,
                note=f"{floor:.0f}/s of an empty endpoint in the same run: {rate / floor:.2f}",
            ),
            Figure(
                name="answer to a submission under that load, p99",
                value=percentile(latencies, 99),
                unit="ms",
                bound=100,
                note=f"median {percentile(latencies, 50):.1f}, empty endpoint {floor_p99:.1f}",
            ),
            Figure(name="answers other than 202", value=count - accepted, unit="", bound=0),
            Figure(
                name="CPU of the API for one submission",
                value=each_ms["api"],
                unit="ms",
                note=", ".join(f"{part} {each_ms[part]:.2f}" for part in OTHERS),
            ),
        ),
        details={
            "seconds": wall,
            "accepted": accepted,
            "judged": judged,
            "empty_per_s": [round(each.rate, 1) for each in rounds.empty],
            "answered_per_s": [round(each.rate, 1) for each in rounds.taken],
            "cpu_ms_per_submission": {part: round(cpu, 3) for part, cpu in each_ms.items()},
            "client_cpu_share": round(rounds.spent["client"] / wall, 3),
        },
    )


if __name__ == "__main__":
    figures.run(measure)
