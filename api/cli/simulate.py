"""`codebattle simulate`: an event rehearsed against the service that runs."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def simulate(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Slug or id of what is to come.")],
    speed: Annotated[float, typer.Option(min=0.1, max=10_000, help="Times as fast.")] = 10.0,
    url: Annotated[str, typer.Option(help="Where the service is.")] = "http://127.0.0.1:8000",
    players: Annotated[int, typer.Option(min=1, max=5000)] = 200,
    each: Annotated[int, typer.Option(min=1, max=100, help="Submissions a player.")] = 4,
    recording: Annotated[
        Path | None, typer.Option(help="JSON of who handed in what when, instead of inventing it.")
    ] = None,
    verdict_s: Annotated[
        float, typer.Option(min=0.1, help="No-go when p95 of a verdict takes longer.")
    ] = 30.0,
    as_json: Json = False,
) -> None:
    """Rehearse an event: a copy of it, played by strangers with real programs. Exit 1 on no-go.

    The copy is called <slug>-rehearsal-…, is finished and never finalised: no rating moves.
    """
    from api.cli.reading import database
    from api.rehearsing import playing, scripts
    from api.rehearsing.sheet import Bounds

    asked = playing.Asked(
        event=event,
        url=url,
        speed=speed,
        script=scripts.Wanted(players=players, each=each, recording=recording),
        begun=lambda found: print(f"rehearsing {found.what} …", file=sys.stderr, flush=True),
    )
    sheet = asyncio.run(playing.rehearse(database(), asked, Bounds(verdict_s=verdict_s)))
    if as_json:
        print(json.dumps(sheet.as_json()))
    else:
        for line in sheet.lines():
            print(line)
    if not sheet.go:
        raise typer.Exit(1)
