"""The commands and their options; what they do lives in the modules beside this one."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from judge.cli import judge_command, machine_commands, verify_command

app = typer.Typer(
    name="codebattle",
    help="Judge programs against problem packages, in a sandbox.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
images_app = typer.Typer(help="The sandbox images.", no_args_is_help=True)
app.add_typer(images_app, name="images")
similarity_app = typer.Typer(help="Copied code among submissions.", no_args_is_help=True)
app.add_typer(similarity_app, name="similarity")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Backend = Annotated[
    str | None, typer.Option(help="docker or bubblewrap; default: the strongest there is.")
]
Slots = Annotated[int | None, typer.Option(help="Judgings at once; default: one per CPU.")]
Full = Annotated[bool, typer.Option("--full", help="Judge every case, even after a failure.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="A new sandbox for every submission.")]


@app.command()
def judge(
    package: Annotated[Path, typer.Argument(help="Problem package: a directory, .zip or .kpp.")],
    source: Annotated[list[Path], typer.Argument(help="Source files, or one directory.")],
    language: Annotated[str | None, typer.Option(help="Default: told from the files.")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds, instead of its own.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write the judgement for `replay`.")] = None,
    backend: Backend = None,
    full: Full = False,
    fresh: Fresh = False,
    as_json: Json = False,
) -> None:
    """Judge one submission: a table per test case, and the verdict. Exit 1 unless accepted."""
    request = judge_command.Request(
        package=package,
        sources=tuple(source),
        language=language,
        time_limit_s=time_limit,
        record=record,
        backend=backend,
        full=full,
        fresh=fresh,
        as_json=as_json,
    )
    raise typer.Exit(asyncio.run(judge_command.run(request)))


@app.command()
def verify(
    package: Annotated[list[Path], typer.Argument(help="Problem packages.")],
    backend: Backend = None,
    slots: Slots = None,
    full: Full = False,
    as_json: Json = False,
) -> None:
    """Check packages: their data, and every jury submission against its label."""
    raise typer.Exit(
        asyncio.run(
            verify_command.run(
                tuple(package), backend=backend, slots=slots, full=full, as_json=as_json
            )
        )
    )


@app.command()
def replay(
    judgement: Annotated[Path, typer.Argument(help="A record written by `judge --record`.")],
    backend: Backend = None,
    as_json: Json = False,
) -> None:
    """Judge a recorded submission again and compare. Exit 1 when it comes out differently."""
    raise typer.Exit(asyncio.run(judge_command.replay(judgement, backend=backend, as_json=as_json)))


@app.command()
def doctor(
    attack: Annotated[
        bool, typer.Option("--selftest/--no-selftest", help="Try the quick attacks as well.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Tell whether this machine is fit to judge, with the remedy for each finding."""
    raise typer.Exit(asyncio.run(machine_commands.doctor(attack=attack, as_json=as_json)))


@app.command()
def selftest(
    backend: Backend = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only the subset run at boot.")] = False,
    as_json: Json = False,
) -> None:
    """Attack the sandbox of a backend. Exit 1 when an attack succeeds."""
    raise typer.Exit(
        asyncio.run(machine_commands.selftest(backend=backend, quick=quick, as_json=as_json))
    )


@images_app.command("build")
def images_build(
    name: Annotated[list[str] | None, typer.Argument(help="Default: all of them.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Build even what is up to date.")] = False,
    as_json: Json = False,
) -> None:
    """Build the sandbox images that are missing or out of date."""
    raise typer.Exit(machine_commands.images_build(tuple(name or ()), force=force, as_json=as_json))


@images_app.command("export")
def images_export(
    directory: Annotated[Path, typer.Argument(help="Where one root per image will be.")],
    name: Annotated[list[str] | None, typer.Argument(help="Default: all of them.")] = None,
    as_json: Json = False,
) -> None:
    """Unpack images for bubblewrap on a machine without Docker (CODEBATTLE_ROOTFS)."""
    names = tuple(name or ())
    raise typer.Exit(machine_commands.images_export(directory, names, as_json=as_json))


@images_app.command("list")
def images_list(as_json: Json = False) -> None:
    """Show which images are built."""
    raise typer.Exit(machine_commands.images_list(as_json=as_json))


@similarity_app.command("compare")
def similarity_compare(
    directory: Annotated[Path, typer.Argument(help="Submissions, or a directory per problem.")],
    template: Annotated[
        list[Path] | None, typer.Option(help="A file that everybody was given; repeatable.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Default: told from each name.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")] = None,
    pairs_csv: Annotated[Path | None, typer.Option(help="Write the scores of all pairs.")] = None,
    pairs: Annotated[int, typer.Option(min=1, max=5000, help="Pairs told in full.")] = 200,
    as_json: Json = False,
) -> None:
    """Compare the submissions in a directory with each other, and show the closest pairs."""
    from judge.cli import similarity_command  # noqa: PLC0415 - numpy would slow every command

    request = similarity_command.Request(
        directory=directory,
        templates=tuple(template or ()),
        language=language,
        html=html,
        pairs_csv=pairs_csv,
        pairs_max=pairs,
        as_json=as_json,
    )
    raise typer.Exit(similarity_command.run(request))


@similarity_app.command("patterns")
def similarity_patterns(
    directory: Annotated[Path, typer.Argument(help="Solutions, or a directory per problem.")],
    template: Annotated[
        list[Path] | None, typer.Option(help="A file that everybody was given; repeatable.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Default: told from each name.")] = None,
    as_json: Json = False,
) -> None:
    """Tell by which approaches the solutions in a directory go about their problems."""
    from judge.cli import patterns_command  # noqa: PLC0415 - numpy would slow every command

    request = patterns_command.Request(
        directory=directory, templates=tuple(template or ()), language=language, as_json=as_json
    )
    raise typer.Exit(patterns_command.run(request))
