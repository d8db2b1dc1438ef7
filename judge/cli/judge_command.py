"""`codebattle judge` and `codebattle replay`: one submission, shown case by case."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TextColumn
from rich.table import Table
from rich.text import Text

from judge import limits
from judge.cli import records
from judge.cli.session import Session, session
from judge.compiling import format_code
from judge.errors import SourceError, UsageError
from judge.judging import Options, Progress
from judge.languages import detect, get
from judge.problem import load
from judge.problem.model import Problem
from judge.results import Judgement, Run, score_number
from judge.submission import Submission
from judge.verdicts import Verdict
from judge.verifying import time_limit_ms

_STYLES = {Verdict.AC: "green", Verdict.JE: "magenta", Verdict.CE: "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for."""

    package: Path
    sources: tuple[Path, ...]
    language: str | None = None
    time_limit_s: float | None = None
    record: Path | None = None
    backend: str | None = None
    full: bool = False
    fresh: bool = False
    as_json: bool = False


async def run(request: Request) -> int:
    """Judge and show; 0 when accepted."""
    if request.record is not None:
        records.check_place(request.record)
    problem = load(request.package)
    submission = read_submission(request.sources, request.language, problem)
    async with session(request.backend, fresh=request.fresh) as opened:
        cpu_ms = _given_ms(request.time_limit_s)
        options = Options(
            full=request.full, cpu_ms=cpu_ms or await time_limit_ms(opened.judge, problem)
        )
        judgement = await _judge(opened, problem, submission, options, quiet=request.as_json)
    if request.as_json:
        print(json.dumps(judgement.to_json()))
    else:
        show(Console(), problem, judgement)
    if request.record is not None:
        record = records.Record(
            package=request.package,
            full=request.full,
            submission=submission,
            judgement=judgement,
        )
        records.write(request.record, record)
    return _code(judgement)


async def replay(path: Path, *, backend: str | None, as_json: bool) -> int:
    """Judge a record again; 0 when verdict, score and every case's verdict are the same."""
    record = records.read(path)
    old = record.judgement
    problem = load(record.package)
    async with session(backend or old.backend) as opened:
        new = await _judge(opened, problem, record.submission, record.options, quiet=as_json)
    changes = differences(old, new)
    if as_json:
        print(json.dumps({"same": not changes, "changes": changes, "judgement": new.to_json()}))
    else:
        console = Console()
        show(console, problem, new)
        for change in changes:
            console.print(Text(change, style="red"))
        console.print("replayed: the same" if not changes else "replayed: different")
    return int(any(change.startswith(("verdict", "score", "case")) for change in changes))


def differences(old: Judgement, new: Judgement) -> list[str]:
    """Return what differs, one line each; facts about the machine come last."""
    changes = []
    if old.verdict is not new.verdict:
        changes.append(f"verdict: was {old.verdict}, is {new.verdict}")
    if old.score != new.score:
        changes.append(f"score: was {_score(old)}, is {_score(new)}")
    before = {run.case: run.verdict for run in old.runs}
    changes += [
        f"case {run.case}: was {before[run.case]}, is {run.verdict}"
        for run in new.runs
        if run.case in before and before[run.case] is not run.verdict
    ]
    changes += [
        f"{name}: was {getattr(old, name)}, is {getattr(new, name)}"
        for name in ("data_hash", "image_digest", "compiler_version")
        if getattr(old, name) != getattr(new, name)
    ]
    return changes


def read_submission(
    sources: tuple[Path, ...], language: str | None, problem: Problem
) -> Submission:
    """Read source files, or the files of one directory; bounded before anything is read."""
    files: dict[str, bytes] = {}
    for source in sources:
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    _read(files, str(path.relative_to(source)), path)
        elif source.is_file():
            _read(files, source.name, source)
        else:
            raise SourceError(f"{source}: no such file")
    if problem.submit_answer:
        return Submission(files=files, language="none")
    chosen = get(language) if language is not None else detect(files)
    allowed = problem.metadata.languages
    if allowed is not None and format_code(chosen) not in allowed:
        raise SourceError(
            f"{chosen.name}: the package allows {', '.join(allowed)} (problem.yaml: languages)"
        )
    return Submission(files=files, language=chosen.id)


def _read(files: dict[str, bytes], name: str, path: Path) -> None:
    if name in files:
        raise SourceError(f"{name}: given twice")
    if len(files) >= limits.SOURCE_FILES_MAX:
        raise SourceError(f"more than {limits.SOURCE_FILES_MAX} source files")
    if path.stat().st_size > limits.SOURCE_BYTES_MAX:
        raise SourceError(f"{path}: larger than {limits.SOURCE_BYTES_MAX} bytes")
    try:
        files[name] = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def _given_ms(seconds: float | None) -> int | None:
    if seconds is None:
        return None
    if not 0 < seconds * 1000 <= limits.CPU_MS_MAX:
        raise UsageError(f"--time-limit: above 0 and at most {limits.CPU_MS_MAX // 1000} seconds")
    return max(1, round(seconds * 1000))


async def _judge(
    opened: Session, problem: Problem, submission: Submission, options: Options, *, quiet: bool
) -> Judgement:
    errors = Console(stderr=True)
    with Bar(
        TextColumn("{task.description}"),
        console=errors,
        transient=True,
        disable=quiet or not errors.is_terminal,
    ) as bar:
        task = bar.add_task("waiting for a slot")

        def update(progress: Progress) -> None:
            text = progress.stage
            if progress.case:
                text = f"test {progress.index} of {progress.total}: {progress.case}"
            bar.update(task, description=text)

        return await opened.judge.judge(problem, submission, options=options, progress=update)


def show(console: Console, problem: Problem, judgement: Judgement) -> None:
    """Print the table of cases, what a player may see of failures, and the verdict."""
    if judgement.runs:
        table = Table(box=None, header_style="bold")
        for name, side in (("case", "left"), ("verdict", "left"), ("cpu ms", "right")):
            table.add_column(name, justify=side)  # type: ignore[arg-type]
        table.add_column("wall ms", justify="right")
        table.add_column("MiB", justify="right")
        scored = any(run.score is not None for run in judgement.runs)
        if scored:
            table.add_column("score", justify="right")
        for run in judgement.runs:
            table.add_row(*_cells(run, scored=scored))
        console.print(table)
    for run in judgement.runs:
        _show_failure(console, run)
    if judgement.compile_log and judgement.verdict is Verdict.CE:
        console.print(Text(judgement.compile_log.rstrip("\n")), soft_wrap=True)
    score = f", score {_score(judgement)}" if judgement.score is not None else ""
    reason = f" ({judgement.reason})" if judgement.reason else ""
    style = _STYLES.get(judgement.verdict, "red")
    line = Text(f"{judgement.verdict} {judgement.verdict.label}", style=f"bold {style}")
    line.append(
        f"{score}{reason}: {len(judgement.runs)} of {judgement.case_total} cases, "
        f"limit {judgement.limits.cpu_ms} ms, {judgement.language}, {problem.name}",
        style="not bold",
    )
    console.print(line, soft_wrap=True)


def _cells(run: Run, *, scored: bool) -> list[str | Text]:
    repeated = " (repeated)" if run.attempts > 1 else ""
    cells: list[str | Text] = [
        Text(run.case),
        Text(f"{run.verdict}{repeated}", style=_STYLES.get(run.verdict, "red")),
        str(run.cpu_ms),
        str(run.wall_ms),
        f"{run.memory_bytes / limits.MIB:.1f}",
    ]
    if scored:
        cells.append("" if run.score is None else str(score_number(run.score)))
    return cells


def _show_failure(console: Console, run: Run) -> None:
    if run.verdict is Verdict.AC:
        return
    console.print(Text(f"{run.case}: {run.verdict.label}: {run.reason}"), soft_wrap=True)
    if run.difference is not None:
        place = run.difference
        where = f"line {place.line}, column {place.column}" if place.line is not None else "end"
        text = f"  {where}: expected '{place.expected}', found '{place.found}'"
        console.print(Text(text), soft_wrap=True)
    elif run.judge_message:
        message = run.judge_message.strip().replace("\n", "\n  ")
        console.print(Text(f"  {message}"), soft_wrap=True)


def _score(judgement: Judgement) -> int | float | None:
    return score_number(judgement.score) if judgement.score is not None else None


def _code(judgement: Judgement) -> int:
    if judgement.verdict is Verdict.JE:
        return 6
    return int(judgement.verdict is not Verdict.AC)
