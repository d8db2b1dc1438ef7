"""`codebattle doctor`, `selftest` and `images`: this machine rather than a submission."""

import json
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from judge import selftest as attacks
from judge.cli.session import session
from judge.doctor import Diagnosis, Level, diagnose, worst
from judge.errors import EngineError, SandboxError, UsageError
from judge.images import Images, ImageStatus
from judge.images import Progress as BuildProgress
from judge.rootfs import export

_MARKS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}
_SLOTS = 2


async def doctor(*, attack: bool, as_json: bool) -> int:
    """Show every finding; 1 when one means that this machine cannot judge as it should."""
    found: list[Diagnosis] = []
    for each in diagnose():
        found.append(each)
        _show_diagnosis(each, as_json=as_json)
    if attack:
        found.append(await _attacked())
        _show_diagnosis(found[-1], as_json=as_json)
    level = worst(found)
    if as_json:
        print(json.dumps({"findings": len(found), "level": level.value}))
    return int(level is Level.FAIL)


def _show_diagnosis(each: Diagnosis, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(each.to_json()), flush=True)
        return
    console = Console(highlight=False)
    line = Text(f"{each.level.value:5}", style=_MARKS[each.level])
    line.append(f"{each.name}: {each.found}", style="default not bold")
    console.print(line, soft_wrap=True)
    if each.remedy:
        console.print(Text(f"     → {each.remedy}"), soft_wrap=True)


async def _attacked() -> Diagnosis:
    """Try the quick attacks on the backend that would judge."""
    remedy = "see codebattle selftest"
    try:
        async with session(None, slots=_SLOTS) as opened, AsyncExitStack() as stack:
            slots = [await stack.enter_async_context(opened.judge.lease()) for _ in range(_SLOTS)]
            report = await attacks.run(slots, quick=True, progress=lambda *_: None)
    except (EngineError, SandboxError) as error:
        return Diagnosis(name="self-test", level=Level.FAIL, found=str(error), remedy=remedy)
    told = f"{report.backend}: {report.attacks} attacks, {len(report.succeeded)} succeeded"
    if report.ok:
        return Diagnosis(name="self-test", level=Level.OK, found=told)
    return Diagnosis(name="self-test", level=Level.FAIL, found=told, remedy=remedy)


async def selftest(*, backend: str | None, quick: bool, as_json: bool) -> int:
    """Attack a backend; 0 when nothing succeeded."""
    errors = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    quiet = as_json or not errors.is_terminal
    with Progress(*columns, console=errors, transient=True, disable=quiet) as bar:
        task = bar.add_task("attacks")

        def update(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=name)

        async with session(backend, slots=_SLOTS) as opened, AsyncExitStack() as stack:
            slots = [await stack.enter_async_context(opened.judge.lease()) for _ in range(_SLOTS)]
            report = await attacks.run(slots, quick=quick, progress=update)
    if as_json:
        for result in report.results:
            print(json.dumps(result.to_json()))
        print(json.dumps(report.to_json()))
        return int(not report.ok)
    console = Console(highlight=False)
    for result in report.results:
        style = "bold red" if result.succeeded else "green"
        line = Text("BROKEN " if result.succeeded else "held   ", style=style)
        line.append(f"{result.name} ({result.seconds:.2f} s)", style="default not bold")
        console.print(line)
        for problem in result.problems:
            console.print(Text(f"       {problem}"))
    for note in report.notes:
        console.print(Text(f"not tried: {note}"))
    console.print(
        f"{report.backend}: {report.attacks} attacks, {len(report.succeeded)} succeeded, "
        f"{report.seconds:.1f} s"
    )
    return int(not report.ok)


def images_build(names: tuple[str, ...], *, force: bool, as_json: bool) -> int:
    """Build images with a bar for each, or a line for each step where nobody watches."""
    errors = Console(stderr=True)
    watched = errors.is_terminal and not as_json
    columns = (TextColumn("{task.fields[image]:10}"), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, disable=not watched) as bar:
        tasks: dict[str, TaskID] = {}

        def update(progress: BuildProgress) -> None:
            if not watched and not as_json and not progress.done:
                step = f"{progress.phase} {progress.step}/{progress.steps}"
                errors.print(Text(f"{progress.image}: {step}: {progress.text}"), soft_wrap=True)
            if progress.image not in tasks:
                tasks[progress.image] = bar.add_task("", image=progress.image)
            bar.update(
                tasks[progress.image],
                completed=progress.step,
                total=progress.steps,
                description=f"{progress.phase}: {progress.text[:60]}",
            )

        status = Images().build(names, update, force=force)
    _show_images(status, as_json=as_json)
    return 0


def images_export(directory: Path, names: tuple[str, ...], *, as_json: bool) -> int:
    """Unpack images below a directory."""
    images = Images()
    unknown = [name for name in names if name not in images.names()]
    if unknown:
        raise UsageError(f"no image {unknown[0]!r}: choose from {', '.join(images.names())}")
    for name in names or images.names():
        root = export(images, name, directory)
        print(json.dumps({"image": name, "root": str(root)}) if as_json else root)
    return 0


def images_list(*, as_json: bool) -> int:
    """Show the images; 1 when one is missing."""
    status = Images().status()
    _show_images(status, as_json=as_json)
    return int(not all(each.built for each in status))


def _show_images(status: list[ImageStatus], *, as_json: bool) -> None:
    if as_json:
        for each in status:
            row = {"image": each.name, "tag": each.tag, "digest": each.digest}
            print(json.dumps({**row, "size_bytes": each.size_bytes, "drift": list(each.drift)}))
        return
    table = Table(box=None, header_style="bold")
    for name in ("image", "state", "size", "tag", "differs from the tested versions"):
        table.add_column(name)
    for each in status:
        state = Text("built", style="green") if each.built else Text("missing", style="red")
        size = f"{each.size_bytes / 1e6:.0f} MB" if each.built else ""
        table.add_row(each.name, state, size, each.tag, "; ".join(each.drift))
    Console().print(table)
