"""How long `codebattle up` takes to be ready and to its first verdict, and what imports cost.

    python -m benchmarks.startup [--json]

A first start makes the database, the demo account and the examples; the second finds them. The
times are those the greeting says, which begin when the command's own modules are imported, and the
start of that is added. Python's compiled modules are kept, as after any earlier start of this
checkout; what a very first one pays on top is the last figure. CPU time of imports is that of a
process that does nothing else, less that of an empty one.
"""

import re
import sys
import tempfile
from pathlib import Path

from benchmarks import figures, serving
from benchmarks.figures import Figure, Report
from benchmarks.measuring import bare, median

ROUNDS = 5
_READY = re.compile(r"is up at \S+ after ([0-9.]+) s")
_VERDICT = re.compile(r"first verdict +(\w+) .* ([0-9.]+) s after the start")
# Until the first line of `up` itself runs.
_COMMAND = "import api.cli, api.cli.up"
_IMPORTS = {"API": "import api.app", "worker": "import api.worker"}


async def measure() -> Report:
    """Start twice in one directory, import a few times, and return the figures."""
    said = []
    before = median(bare([sys.executable, "-c", _COMMAND]).wall for _ in range(3))
    with tempfile.TemporaryDirectory(prefix="codebattle-bench-") as place:
        for _ in range(2):
            async with serving.up(Path(place) / "data") as service:
                said.append(service.said)
    ready = [before + float(_found(_READY, each)[1]) for each in said]
    verdict = [before + float(_found(_VERDICT, each)[2]) for each in said]
    wrong = sum(_found(_VERDICT, each)[1] != "AC" for each in said)
    imports = {part: imported(code) for part, code in _IMPORTS.items()}
    with tempfile.TemporaryDirectory(prefix="codebattle-bench-") as empty:
        anew = imported(_IMPORTS["API"], "-X", f"pycache_prefix={empty}", rounds=1)
    return Report(
        figures=(
            Figure(name="first start: ready", value=ready[0], unit="s"),
            Figure(name="first start: first verdict", value=verdict[0], unit="s", bound=60),
            Figure(name="second start: ready", value=ready[1], unit="s", bound=15),
            Figure(name="second start: first verdict", value=verdict[1], unit="s"),
            Figure(name="first verdicts other than AC", value=wrong, unit="", bound=0),
            *(
                Figure(name=f"CPU of the imports of the {part}", value=cpu, unit="s")
                for part, cpu in imports.items()
            ),
            Figure(name="CPU of the imports of the API, nothing compiled", value=anew, unit="s"),
        ),
        details={"before_s": before, "ready_s": ready, "verdict_s": verdict},
    )


def imported(code: str, *options: str, rounds: int = ROUNDS) -> float:
    """Return the CPU seconds of some imports, less those of a Python that does nothing."""

    def cpu(what: str) -> float:
        argv = [sys.executable, *options, "-c", what]
        return median(bare(argv, cpu_of_us=False).cpu for _ in range(rounds))

    return cpu(code) - cpu("pass")


def _found(pattern: re.Pattern[str], said: str) -> re.Match[str]:
    found = pattern.search(said)
    if found is None:
        raise RuntimeError(f"the greeting lacks {pattern.pattern}: {said}")
    return found


if __name__ == "__main__":
    figures.run(measure)
