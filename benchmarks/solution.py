"""One submission, 20 small tests, from submission to verdict: what the two language bars share."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from benchmarks.bare import Bare, Step
from benchmarks.measuring import MS, Sample, median
from benchmarks.setting import CPUS, Books, judging, package, scratch
from benchmarks.submissions import cases, sources
from judge.judging import Judge
from judge.languages import get
from judge.problem.model import Problem
from judge.submission import Submission
from judge.verdicts import Verdict

TESTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Judged and bare times of the same submissions."""

    judged: list[Sample]
    bare: list[Sample]

    def ratio(self, kind: str) -> float:
        """Return the ratio of the medians of `wall` or `cpu`."""
        return self.median("judged", kind) / self.median("bare", kind)

    def median(self, who: str, kind: str) -> float:
        """Return a median in seconds."""
        samples: list[Sample] = getattr(self, who)
        return median(getattr(each, kind) for each in samples)

    def summary(self) -> dict[str, float]:
        """Return all medians in milliseconds."""
        return {
            f"{who}_{kind}_ms_median": round(self.median(who, kind) * MS, 2)
            for who in ("judged", "bare")
            for kind in ("wall", "cpu")
        }


async def compare(
    backend: str, language: str, rounds: int, plain: Sequence[Step], *, precompiled: bool
) -> Comparison:
    """Judge and run bare in turn, on the same CPU; `plain` is what comes before the bare runs."""
    image = get(language).image
    found = Comparison(judged=[], bare=[])
    with (
        scratch() as directory,
        Bare(image, CPUS[0], inputs=directory, precompiled=precompiled) as floor,
    ):
        problem = package(directory / "package", cases(TESTS))
        inputs = [f"/inputs/{case.input.relative_to(directory)}" for case in problem.cases()]
        steps = [*plain[:-1], *(_fed(plain[-1], path) for path in inputs)]
        async with judging(backend, images=[image], cache=directory / "cache") as opened:
            books, tags = Books(backend), count()
            for number in range(rounds + 1):
                files = sources(language, next(tags))
                bare = floor.run(steps, files=files).total
                before = books.all()
                await judge_once(opened.judge, problem, language, files)
                after = books.all()
                if number:
                    found.bare.append(bare)
                    found.judged.append(Sample(after.wall - before.wall, after.cpu - before.cpu))
    return found


async def judge_once(judge: Judge, problem: Problem, language: str, files: dict[str, str]) -> None:
    """Judge a submission that must be accepted."""
    contents = {name: text.encode() for name, text in files.items()}
    judgement = await judge.judge(problem, Submission(files=contents, language=language))
    if judgement.verdict is not Verdict.AC:
        raise RuntimeError(f"{language}: {judgement.verdict}: {judgement.reason}")


def _fed(step: Step, path: str) -> Step:
    return Step(argv=step.argv, env=step.env, stdout=step.stdout, stdin=path)
