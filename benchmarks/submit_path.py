"""How many submissions a second are taken in while two slots judge, and how long each waits.

    python -m benchmarks.submit_path [--json]

The whole service on this machine, the judging of what is sent included. Submissions and an
endpoint that does nothing are asked in turn over the same connections, as fast as answers come,
several times; the endpoint shows what the machine, the server and the client allow at all.
"""

from collections import defaultdict
from statistics import median

from benchmarks import figures, loading, serving
from benchmarks.figures import Figure, Report
from benchmarks.measuring import percentile

CONNECTIONS = 12
ROUNDS = 4
ROUND_S = 4.0
WARM = 200
OTHERS = ("postgres", "redis", "worker", "client")


async def measure() -> Report:
    """Measure rounds of both and return the figures."""
    async with serving.running() as service:
        users = [service.token() for _ in range(CONNECTIONS)]
        send = [
            loading.post("/v1/submissions", each, serving.body(serving.PYTHON)) for each in users
        ]
        nothing = [loading.get("/livez")] * CONNECTIONS
        await loading.run(loading.Plan(port=service.port, requests=nothing, count=WARM))
        await loading.run(loading.Plan(port=service.port, requests=send, count=WARM))
        taken, empty = [], []
        spent: defaultdict[str, float] = defaultdict(float)
        for _ in range(ROUNDS):
            plan = loading.Plan(port=service.port, requests=nothing, seconds=ROUND_S)
            empty.append(await loading.run(plan))
            before = service.cpu()
            plan = loading.Plan(port=service.port, requests=send, seconds=ROUND_S)
            taken.append(await loading.run(plan))
            for part, cpu in service.cpu().items():
                spent[part] += cpu - before[part]
            spent["client"] += taken[-1].cpu_s
        judged = await _judged(service)
    count = sum(len(each.latencies_ms) for each in taken)
    wall = sum(each.wall_s for each in taken)
    latencies = sorted(each for one in taken for each in one.latencies_ms)
    rate, floor = count / wall, median(each.rate for each in empty)
    per_request = {part: 1000 * cpu / count for part, cpu in spent.items()}
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
                note=f"median {percentile(latencies, 50):.1f},"
                f" empty endpoint p99 {median(each.percentile(99) for each in empty):.1f}",
            ),
            Figure(
                name="answers other than 202",
                value=sum(len(each.latencies_ms) - each.statuses.get("202", 0) for each in taken),
                unit="",
                bound=0,
            ),
            Figure(
                name="CPU of the API for one submission",
                value=per_request["api"],
                unit="ms",
                note=", ".join(
                    f"{part} {cpu:.2f}"
                    for part, cpu in sorted(per_request.items())
                    if part != "api"
                ),
            ),
        ),
        details={
            "seconds": wall,
            "accepted": count,
            "judged": judged,
            "empty_per_s": [round(each.rate, 1) for each in empty],
            "accepted_per_s": [round(each.rate, 1) for each in taken],
            "cpu_ms_per_submission": {part: round(cpu, 3) for part, cpu in per_request.items()},
            "client_cpu_share": round(spent["client"] / wall, 3),
        },
    )


async def _judged(service: serving.Service) -> int:
    connection = await service.connect()
    try:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM codebattle.judgings WHERE state = 'done'"
        )
    finally:
        await connection.close()
    return found


if __name__ == "__main__":
    figures.run(measure)
