"""Bar: a C++ submission with 20 small tests takes at most 0.6 of plain `g++ -O2` and 20 bare runs.

Plain is what the compiler of the same image does without our precompiled header and our flags:
`g++ -O2 -o program main.cpp`, in a container that hides the header.
"""

from benchmarks.bare import Step
from benchmarks.figures import Figure, Report, run
from benchmarks.solution import compare

ROUNDS = 9
BOUND = 0.6
PLAIN = (
    Step(argv=("/usr/bin/g++", "-O2", "-o", "program", "main.cpp")),
    Step(argv=("/prog/program",)),
)


async def measure() -> Report:
    """Compare wall and CPU time."""
    found = await compare("docker", "cpp", ROUNDS, PLAIN, precompiled=False)
    figures = tuple(
        Figure(
            name=f"C++ x 20 tests, {kind} over plain g++ and bare runs",
            value=found.ratio(kind),
            unit="x",
            bound=BOUND,
            note=f"{found.median('judged', kind):.2f} s to {found.median('bare', kind):.2f} s",
        )
        for kind in ("wall", "cpu")
    )
    return Report(figures=figures, details={"rounds": ROUNDS, "docker": found.summary()})


if __name__ == "__main__":
    run(measure)
