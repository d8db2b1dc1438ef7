"""Runs every benchmark, one process each, and prints one table in Markdown; 1 when a bar is missed.

`python -m benchmarks [NAME…]`; the table is what docs/performance.md shows.
"""

import json
import os
import platform
import subprocess
import sys
import time

from benchmarks.figures import Figure, table

NAMES = (
    "run_overhead",
    "solution_cpp",
    "solution_python",
    "throughput",
    "big_data",
    "limits",
    "idle_pool",
    "stability",
    "submit_path",
    "latency",
    "startup",
    "failover",
    "live_fanout",
    "start_tick",
    "spectators",
)


def main() -> int:
    """Measure what was asked for, or everything."""
    names = sys.argv[1:] or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no benchmark {unknown[0]}: there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    failed = []
    for name in names:
        begin = time.monotonic()
        found = _figures(name)
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        if found is None:
            failed.append(name)
        else:
            figures += found
    print(
        f"{os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}\n"
    )
    print(table(figures))
    missed = [each for each in figures if not each.met]
    for name in failed:
        print(f"\n{name} did not finish; run `python -m benchmarks.{name}` alone.")
    print(f"\n{len(figures)} figures, {len(missed)} bars missed.")
    return int(bool(missed or failed))


def _figures(name: str) -> list[Figure] | None:
    """Run one module in a process of its own, so that none inherits another's memory."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--json"],
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        return None
    first = json.loads(done.stdout.splitlines()[0])
    return [Figure.from_json(record) for record in first["figures"]]


if __name__ == "__main__":
    sys.exit(main())
