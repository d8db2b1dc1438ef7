"""Decides what of a sample people see and download."""

from collections.abc import Mapping
from pathlib import Path

from judge.problem.findings import Findings
from judge.problem.model import Metadata, ProblemKind, SampleView, TestCase
from judge.problem.tree import Entry

_IMAGES = (".png", ".jpg", ".jpeg", ".svg")


def sample_view(
    name: str,
    case: TestCase | None,
    parts: Mapping[str, Entry],
    metadata: Metadata,
    findings: Findings,
) -> SampleView:
    """Return how a sample is shown; `parts` are its files by ending.

    What replaces a file on the page must replace it for download too, so the original is never
    offered once it is replaced. Legacy interactive problems never show `.in` and `.ans`.
    """
    hidden = metadata.version.legacy and ProblemKind.INTERACTIVE in metadata.kinds
    log = parts.get(".interaction")
    shown_input = _first(parts, ".in.statement", "" if hidden else ".in")
    shown_answer = _first(parts, ".ans.statement", ".out", "" if hidden else ".ans")
    input_replaced = log is not None or ".in.statement" in parts
    answer_replaced = log is not None or ".ans.statement" in parts
    keep_input = "" if hidden or input_replaced else ".in"
    keep_answer = "" if hidden or answer_replaced else ".ans"
    _warn_of_conflicts(name, parts, findings)
    return SampleView(
        name=name,
        case=case.name if case is not None else None,
        input=_path(None if log is not None else shown_input),
        answer=_path(None if log is not None else shown_answer),
        interaction=_path(log),
        download_input=_path(_first(parts, ".in.download", keep_input)),
        download_answer=_path(_first(parts, ".ans.download", ".out", keep_answer)),
        image=_path(_first(parts, *_IMAGES)),
    )


def _warn_of_conflicts(name: str, parts: Mapping[str, Entry], findings: Findings) -> None:
    where = f"data/{name}"
    for group in ((".in.statement", ".interaction"), (".out", ".ans.statement", ".interaction")):
        given = [suffix for suffix in group if suffix in parts]
        if len(given) > 1:
            findings.warn(where, "", f"only one of {', '.join(given)} may be given")
    for replaced, download in (
        (".in.statement", ".in.download"),
        (".ans.statement", ".ans.download"),
    ):
        if replaced in parts and download not in parts:
            findings.warn(
                where, "", f"{replaced} without {download}; nothing is offered for download"
            )


def _first(parts: Mapping[str, Entry], *suffixes: str) -> Entry | None:
    return next((parts[suffix] for suffix in suffixes if suffix in parts), None)


def _path(entry: Entry | None) -> Path | None:
    return entry.path if entry is not None else None
