"""`python -m tests.chaos`: the long run. Exit code 1 when anything was lost, doubled or wrong."""

import argparse
import asyncio
import sys
import time

from .run import Plan, run, say


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    report = asyncio.run(run(Plan(kills=asked.kills, seed=asked.seed)))
    for line in report.lines():
        say(line)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
