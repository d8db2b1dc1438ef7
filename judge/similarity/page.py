"""The report as one HTML page: no script, nothing loaded, all of it escaped.

The code shown is hostile: it was written by people who may want to be seen by a reviewer's
browser. Everything from outside goes through `_text`, and the page forbids itself everything but
its own style.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

from judge.similarity.alignment import Fragment
from judge.similarity.report import Pair, Problem, Report, one_in

PAIRS_WITH_CODE = 60
LINES_MAX = 3000
LINE_CHARACTERS_MAX = 400
_COLOURS = 6
_APART = (
    '<p class="note">Scores across languages stand on a scale of their own and are weaker evidence:'
    " do not set them against those above. By chance means among such pairs.</p>"
)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
details { border-top: 1px solid #8884; padding: .4rem 0; }
summary { cursor: pointer; }
.out { font-weight: 600; }
.note { color: #777; }
.bars { display: flex; align-items: flex-end; height: 6rem; gap: 1px; max-width: 40rem; }
.bars i { flex: 1; background: #6a8fd8; min-height: 1px; }
.code { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.code > div { overflow-x: auto; min-width: 0; }
.code ol { font: 12px/1.45 ui-monospace, monospace; margin: 0; padding-left: 3.5rem; }
.code li { white-space: pre; }
.given { opacity: .4; }
.f0 { background: #e0565640; } .f1 { background: #4f9de040; } .f2 { background: #57b35740; }
.f3 { background: #d9a03a45; } .f4 { background: #a06fd640; } .f5 { background: #3ab0a845; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text of a submission, and which of its lines were given to everybody."""

    text: str
    given: frozenset[int] = frozenset()


def page(report: Report, source: Callable[[str], Source | None], title: str = "Similarity") -> str:
    """Return the page; `source` gives a submission's text by id, or None to leave it out."""
    body = [f"<h1>{_text(title)}</h1>", _summary(report)]
    body += [_problem(one) for one in report.problems]
    for heading, weak in (("Closest pairs", False), ("Across languages", True)):
        pairs = [pair for pair in report.pairs if pair.weak is weak]
        if weak and not pairs:
            continue
        body.append(f"<h2>{heading} ({len(pairs)})</h2>{_APART if weak else ''}")
        body += [
            _pair(pair, source if place < PAIRS_WITH_CODE else None)
            for place, pair in enumerate(pairs)
        ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>"
        + "\n".join(body)
        + "</body></html>\n"
    )


def _summary(report: Report) -> str:
    out = sum(1 for pair in report.pairs if pair.stands_out)
    names = {name for one in report.problems for name in one.submissions}
    told = (
        f"{_count(len(names), 'submission')} of "
        f"{_count(len({one.name for one in report.problems}), 'problem')}; {_count(out, 'pair')} "
        f"{'stands' if out == 1 else 'stand'} out (rarer than 1 in {one_in(report.threshold):,}, "
        f"score from {report.score_min})."
    )
    unread = ""
    if report.unread:
        listed = ", ".join(_text(name) for name in report.unread[:50])
        unread = f'<p class="note">Not compared, no language known or not to be read: {listed}</p>'
    return (
        f"<p>{told}</p>{unread}<p>A score is evidence, not a verdict: a person decides. "
        "Colours connect corresponding parts; grey lines were given to everybody or are not "
        "used.</p>"
    )


def _problem(one: Problem) -> str:
    rows = "".join(
        f"<tr><td>{', '.join(_text(name) for name in group.members)}</td>"
        f'<td class="n">{group.weakest:.3f} to {group.strongest:.3f}</td></tr>'
        for group in one.clusters
    )
    groups = (
        f'<table><tr><th>Group</th><th class="n">Scores</th></tr>{rows}</table>' if rows else ""
    )
    short = ""
    if one.too_short:
        listed = ", ".join(_text(name) for name in one.too_short[:50])
        short = f'<p class="note">Too short to say: {len(one.too_short)} ({listed})</p>'
    return (
        f"<h2>{_text(one.name)} <small>({_text(one.family)})</small></h2>"
        f"<p>{_count(len(one.submissions), 'submission')}, {_count(one.pairs, 'pair')}; "
        f"usual score {one.calibration.median:.3f}.</p>{short}{_bars(one.histogram)}{groups}"
    )


def _bars(counts: tuple[int, ...]) -> str:
    """Draw a histogram whose bars grow with the root: one pair among thousands must be seen."""
    if not any(counts):
        return ""
    top = max(counts) ** 0.5
    bars = "".join(
        f'<i style="height:{100 * count**0.5 / top:.1f}%" title="{count} pairs from '
        f'{place / len(counts):.2f}"></i>'
        if count
        else '<i style="height:0;min-height:0"></i>'
        for place, count in enumerate(counts)
    )
    return f'<div class="bars">{bars}</div><p class="note">Pairs by overlap, 0 to 1.</p>'


def _pair(pair: Pair, source: Callable[[str], Source | None] | None) -> str:
    mark = ' class="out"' if pair.stands_out else ""
    kinds = ", ".join(_text(kind) for kind in pair.edits.kinds)
    also = f" Also in {_count(pair.also, 'other problem')}." if pair.also else ""
    weak = " Weaker evidence, on a scale of its own." if pair.weak else ""
    order = "" if pair.terms.order is None else f", order {pair.terms.order:.2f}"
    told = (
        f"<p>{_text(pair.meaning)}.{also}{weak}</p>"
        f"<p>Edits: {kinds or 'nothing aligned'}. Aligned: {pair.edits.first_covered:.0%} of the "
        f"first, {pair.edits.second_covered:.0%} of the second. "
        f'<span class="note">Shapes {pair.terms.shapes:.2f}, structure {pair.terms.parts:.2f}, '
        f"spelling {pair.terms.spellings:.2f}{order}.</span></p>"
    )
    return (
        f"<details><summary{mark}>{pair.score:.3f} {_text(pair.problem)}: {_text(pair.first)} and "
        f"{_text(pair.second)}</summary>{told}{_fragments(pair.fragments)}"
        f"{_both(pair, source) if source else ''}</details>"
    )


def _fragments(fragments: tuple[Fragment, ...]) -> str:
    if not fragments:
        return ""
    rows = "".join(
        f'<tr><td class="f{place % _COLOURS}">{_lines(one.first_lines)}</td>'
        f"<td>{_lines(one.second_lines)}</td>"
        f'<td class="n">{one.tokens}</td><td class="n">{one.spelled:.0%}</td>'
        f"<td>{'exact' if one.exact else 'edited'}</td>"
        f"<td>held by {one.holders} of {one.submissions}</td></tr>"
        for place, one in enumerate(fragments)
    )
    return (
        '<table><tr><th>Lines</th><th>Lines</th><th class="n">Tokens</th>'
        f'<th class="n">Same spelling</th><th></th><th>Rarity</th></tr>{rows}</table>'
    )


def _both(pair: Pair, source: Callable[[str], Source | None]) -> str:
    shown = []
    for name, ranges in (
        (pair.first, [one.first_lines for one in pair.fragments]),
        (pair.second, [one.second_lines for one in pair.fragments]),
    ):
        found = source(name)
        if found is None:
            return ""
        shown.append(f"<div><p>{_text(name)}</p>{_code(found, ranges)}</div>")
    return f'<div class="code">{"".join(shown)}</div>'


def _code(source: Source, ranges: Iterable[tuple[int, int]]) -> str:
    colour: dict[int, int] = {}
    for place, (start, end) in enumerate(ranges):
        for line in range(start, min(end, LINES_MAX) + 1):
            colour.setdefault(line, place % _COLOURS)
    items = []
    for number, text in enumerate(source.text.split("\n")[:LINES_MAX], start=1):
        kind = "given" if number in source.given else ""
        if number in colour and not kind:
            kind = f"f{colour[number]}"
        cut = text[:LINE_CHARACTERS_MAX] + ("…" if len(text) > LINE_CHARACTERS_MAX else "")
        items.append(f'<li class="{kind}">{_text(cut)}</li>' if kind else f"<li>{_text(cut)}</li>")
    return f"<ol>{''.join(items)}</ol>"


def _lines(between: tuple[int, int]) -> str:
    return f"{between[0]}-{between[1]}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _text(value: str) -> str:
    """Escape what comes from outside; control and direction characters become a mark."""
    plain = "".join(
        one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in value
    )
    return escape(plain, quote=True)
