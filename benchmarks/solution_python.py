"""Bar: a Python submission with 20 small tests takes at most 1.15 of 20 bare `python3` runs."""

from benchmarks.bare import Step
from benchmarks.figures import Figure, Report, run
from benchmarks.measuring import MS
from benchmarks.solution import compare

ROUNDS = 25
BOUND = 1.15
PLAIN = (Step(argv=("/usr/bin/python3", "main.py")),)


async def measure() -> Report:
    """Compare wall and CPU time."""
    found = await compare("docker", "python3", ROUNDS, PLAIN, precompiled=True)
    figures = tuple(
        Figure(
            name=f"Python x 20 tests, {kind} over bare runs",
            value=found.ratio(kind),
            unit="x",
            bound=BOUND,
            note=(
                f"{found.median('judged', kind) * MS:.0f} ms "
                f"to {found.median('bare', kind) * MS:.0f} ms"
            ),
        )
        for kind in ("wall", "cpu")
    )
    return Report(figures=figures, details={"rounds": ROUNDS, "docker": found.summary()})


if __name__ == "__main__":
    run(measure)
