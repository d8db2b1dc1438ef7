"""`codebattle verify`: packages, their data, and every jury submission, in parallel over slots."""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from judge.cli.session import Session, session
from judge.errors import EngineError, PackageError, SourceError, ToolMissingError
from judge.judging import Options
from judge.problem import Severity, load
from judge.problem.model import Problem
from judge.results import printable
from judge.verifying import Checked, check_data, check_submission, time_limit_ms


@dataclass(slots=True)
class _Report:
    """What is printed as it becomes known, and counted for the last line."""

    as_json: bool
    bar: Progress
    counts: Counter[str] = field(default_factory=Counter)
    console: Console = field(default_factory=lambda: Console(highlight=False))

    def error(self, package: str, text: str) -> None:
        self.counts["errors"] += 1
        self._say(package, "error", text)

    def warning(self, package: str, text: str) -> None:
        if not self.as_json:
            self._say(package, "warning", text)

    def findings(self, problem: Problem) -> None:
        for finding in problem.findings:
            if finding.severity is Severity.ERROR:
                self.error(problem.name, str(finding))
            elif finding.severity is Severity.WARNING:
                self.warning(problem.name, str(finding))

    def row(self, checked: Checked) -> None:
        self.counts["submissions"] += 1
        if not checked.ok:
            self.counts["failed"] += 1
        if checked.judgement is None and checked.ok:
            self.counts["skipped"] += 1
        if self.as_json:
            print(json.dumps(checked.to_json()), flush=True)
            return
        self.bar.console.print(_line(checked))

    def _say(self, package: str, kind: str, told: str) -> None:
        package, text = printable(package), printable(told)
        if self.as_json:
            print(f"{package}: {kind}: {text}", file=sys.stderr)
        else:
            style = "red" if kind == "error" else "yellow"
            self.bar.console.print(Text(f"{package}: {kind}: {text}", style=style))

    def close(self, packages: int) -> int:
        keys = ("submissions", "failed", "errors", "skipped")
        last = {"packages": packages, **{key: self.counts[key] for key in keys}}
        if self.as_json:
            print(json.dumps(last))
        else:
            text = ", ".join(f"{value} {key}" for key, value in last.items())
            bad = self.counts["failed"] or self.counts["errors"]
            self.console.print(Text(text, style="bold red" if bad else "bold green"))
        if self.counts["failed"]:
            return 1
        return 3 if self.counts["errors"] else 0


async def run(
    packages: tuple[Path, ...],
    *,
    backend: str | None,
    slots: int | None,
    full: bool,
    as_json: bool,
) -> int:
    """Verify packages; 0 only when everything holds."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    out = Console(highlight=False, soft_wrap=True)
    with Progress(
        *columns, console=out, transient=True, disable=as_json or not out.is_terminal
    ) as bar:
        report = _Report(as_json=as_json, bar=bar)
        problems: list[Problem] = []
        for package in packages:
            try:
                problems.append(load(package))
            except PackageError as error:
                report.error(package.name, str(error))
        if problems:
            async with session(backend, slots=slots) as opened:
                await _verify_all(opened, problems, report, full=full)
        return report.close(len(packages))


async def _verify_all(
    opened: Session, problems: list[Problem], report: _Report, *, full: bool
) -> None:
    """Work on as many packages at once as there are slots, so that none idles at a tail."""
    total = sum(len(problem.submissions) for problem in problems)
    task = report.bar.add_task("submissions", total=total)
    turns = asyncio.Semaphore(opened.pool.size)

    async def one(problem: Problem) -> None:
        async with turns:
            try:
                await _verify(opened, problem, report, full=full, task=task)
            except (PackageError, ToolMissingError) as error:
                report.error(problem.name, str(error))

    await _together([one(problem) for problem in problems])


async def _together(works: list) -> None:  # type: ignore[type-arg]
    """Run all; the first failure of the machine ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _verify(
    opened: Session, problem: Problem, report: _Report, *, full: bool, task: object
) -> None:
    report.findings(problem)
    for fault in await check_data(opened.judge, problem):
        report.error(problem.name, fault)
    options = Options(full=full, cpu_ms=await time_limit_ms(opened.judge, problem))

    async def one(index: int) -> Checked | PackageError:
        example = problem.submissions[index]
        try:
            return await check_submission(opened.judge, problem, example, options=options)
        except (PackageError, SourceError) as error:
            return PackageError(f"submissions/{example.name}: {error}")

    tasks = [asyncio.ensure_future(one(index)) for index in range(len(problem.submissions))]
    try:
        for waiting in tasks:
            found = await waiting
            if isinstance(found, PackageError):
                report.error(problem.name, str(found))
            else:
                report.row(found)
            report.bar.advance(task)  # type: ignore[arg-type]
    except EngineError:
        for waiting in tasks:
            waiting.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _line(checked: Checked) -> Text:
    found = checked.judgement
    verdict = found.verdict.value if found is not None else "--"
    mark, style = ("ok", "green") if checked.ok else ("WRONG", "bold red")
    if found is None and checked.ok:
        mark, style = "skip", "yellow"
    line = Text(f"{mark:5} ", style=style)
    line.append(f"{verdict:3} ", style="default")
    time = f"{found.cpu_ms:6} ms {found.memory_bytes / 2**20:7.1f} MiB" if found else " " * 22
    line.append(f"{time}  {checked.package}/{checked.submission}", style="default")
    if not checked.ok or found is None:
        expected = "|".join(checked.expected) or "anything"
        line.append(f"  (expected {expected}: {checked.reason})", style="default")
    return line
