"""`codebattle similarity compare`: a folder of submissions, without any service."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from judge.errors import UsageError
from judge.results import printable
from judge.similarity.comparing import CHANCE_MAX, Comparison
from judge.similarity.folder import Corpus, read_folder, source_of
from judge.similarity.page import page
from judge.similarity.report import Pair, Report, one_in

PAIRS_SHOWN = 20
ACROSS = "across languages: weaker evidence, scores and chances on a scale of their own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for."""

    directory: Path
    templates: tuple[Path, ...] = ()
    language: str | None = None
    html: Path | None = None
    pairs_csv: Path | None = None
    pairs_max: int = 200
    as_json: bool = False


def run(request: Request) -> int:
    """Compare and show; 0 whatever is found, since a score is no verdict."""
    for path in (request.html, request.pairs_csv):
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise UsageError(f"{path}: cannot be written")
    corpus = read_folder(request.directory, templates=request.templates, language=request.language)
    comparison = Comparison(corpus.entries)
    report = replace(
        comparison.report(pairs_max=request.pairs_max, chance_max=CHANCE_MAX),
        unread=tuple(corpus.unread),
    )
    if request.pairs_csv is not None:
        _write_pairs(request.pairs_csv, comparison)
    if request.html is not None:
        made = page(
            report, lambda name: source_of(corpus, name), f"Similarity: {request.directory}"
        )
        _write(request.html, made)
    if request.as_json:
        print(json.dumps(report.to_json()))
    else:
        _show(report, corpus)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _write_pairs(path: Path, comparison: Comparison) -> None:
    """Write every scored pair: a, b, score."""
    try:
        # Names as they are on disk, also those that are no UTF-8.
        with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            out = csv.writer(file)
            out.writerow(("a", "b", "score"))
            for scored in comparison.scored():
                names = [one.id for one in scored.entries]
                out.writerows(
                    (names[first], names[second], f"{score:.6f}")
                    for first, second, score in zip(
                        scored.first.tolist(),
                        scored.second.tolist(),
                        scored.scores.tolist(),
                        strict=True,
                    )
                )
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def _show(report: Report, corpus: Corpus) -> None:
    console = Console(highlight=False)
    for title, weak in ((None, False), (ACROSS, True)):
        pairs = [pair for pair in report.pairs if pair.weak is weak][:PAIRS_SHOWN]
        if pairs or not weak:
            console.print(_table(pairs, title))
    short = len({name for one in report.problems for name in one.too_short})
    problems = len({one.name for one in report.problems})
    out = sum(one.stands_out for one in report.pairs)
    console.print(
        f"submissions: {len(corpus.entries)}, problems: {problems}, "
        f"pairs that stand out: {out} (rarer than 1 in {one_in(report.threshold):,}, score from "
        f"{report.score_min}), too short to say: {short}"
    )
    for name in report.unread[:PAIRS_SHOWN]:
        console.print(Text(f"not compared, no language known or not to be read: {printable(name)}"))


def _table(pairs: Sequence[Pair], title: str | None) -> Table:
    table = Table("score", "by chance 1 in", "problem", "first", "second", "edits", title=title)
    for pair in pairs:
        chance = "-" if pair.chance is None else f"{one_in(pair.chance):,}"
        table.add_row(
            f"{pair.score:.3f}",
            chance,
            *(Text(printable(name)) for name in (pair.problem, pair.first, pair.second)),
            ", ".join(pair.edits.kinds),
            style="bold" if pair.stands_out else None,
        )
    return table
