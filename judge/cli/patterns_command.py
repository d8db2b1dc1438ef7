"""`codebattle similarity patterns`: the approaches among a folder of solutions."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from judge.results import printable
from judge.similarity.featuring import features
from judge.similarity.folder import read_folder
from judge.similarity.patterns import Pattern, Solution, patterns

UNREAD_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for."""

    directory: Path
    templates: tuple[Path, ...] = ()
    language: str | None = None
    as_json: bool = False


def run(request: Request) -> int:
    """Cluster the solutions of each problem and show the patterns."""
    corpus = read_folder(request.directory, templates=request.templates, language=request.language)
    by_problem: dict[str, list[Solution]] = defaultdict(list)
    for entry in corpus.entries:
        files = {name: path.read_bytes() for name, path in corpus.sources[entry.id].items()}
        by_problem[entry.problem].append(
            Solution(
                id=entry.id,
                features=features(entry.fingerprint, files),
                size=entry.fingerprint.own_tokens,
            )
        )
    found = {problem: patterns(some) for problem, some in sorted(by_problem.items())}
    if request.as_json:
        for problem, some in found.items():
            print(json.dumps({"problem": problem, "patterns": [_told(each) for each in some]}))
        return 0
    console = Console(highlight=False)
    for problem, some in found.items():
        table = Table("share", "solutions", "pattern", "in its middle", title=printable(problem))
        for each in some:
            row = (f"{each.share:.0%}", str(len(each.members)), each.name)
            table.add_row(*row, Text(printable(each.medoid)))
        console.print(table)
    for name in corpus.unread[:UNREAD_SHOWN]:
        console.print(Text(f"not read, no language known: {printable(name)}"))
    return 0


def _told(one: Pattern) -> dict[str, Any]:
    return {
        "name": one.name,
        "share": one.share,
        "medoid": one.medoid,
        "features": {feature.value: count for feature, count in one.counts.items()},
        "members": [each.id for each in one.members],
    }
