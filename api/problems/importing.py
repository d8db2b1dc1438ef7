"""From a package to rows: what a version consists of, read once, before anything is stored.

Only what everybody may see is copied into rows: statements and the samples as the package lets
them be shown. Secret data stays in the archive, whose hashes are all the rows know.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from api.db.base import is_id, new_id
from api.db.models import CodeProblemVersion, TestCase, TestGroup
from api.problems.archives import sha256_of
from judge import limits
from judge.judging import data_hash
from judge.problem import Problem, Statement
from judge.problem import TestCase as PackageCase
from judge.problem import TestGroup as PackageGroup

SAMPLE_BYTES_MAX = 64 * 1024
FINDINGS_MAX = 200
STATEMENT_BYTES_MAX = 512 * 1024
# Where a time limit is from that nobody states and nothing bounds.
DEFAULT = "default"
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The rows of one version, without the archive's name and the version's number."""

    version: CodeProblemVersion
    groups: list[TestGroup]
    cases: list[TestCase]
    title: str
    keywords: list[str]


def slug_of(name: str) -> str:
    """Return a package's name as an identifier, or raise ValueError."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:63]
    if not _SLUG.fullmatch(slug) or is_id(slug):
        raise ValueError(f"{name!r} makes no identifier")
    return slug


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
    """A version's time limit: `source` says where it is from, `verified` whether it was tried."""

    cpu_ms: int
    source: str
    verified: bool = False

    @classmethod
    def untried(cls, problem: Problem) -> Self:
        """Return what the package states, or our default."""
        stated = problem.limits.time_limit_ms
        source = problem.limits.time_limit_source.value if stated is not None else DEFAULT
        return cls(cpu_ms=stated or limits.TIME_LIMIT_MS_DEFAULT, source=source)


def contents(problem: Problem, limit: TimeLimit, *, created_by: UUID | None) -> Contents:
    """Read all a version's rows hold from a loaded package. Slow: hashes the test data.

    Which problem's version it is, and its number, are said when it is stored.
    """
    said = problem.metadata
    version = CodeProblemVersion(
        id=new_id(),
        data_hash=data_hash(problem),
        title=problem.title(),
        kinds=sorted(said.kinds),
        languages=list(said.languages) if said.languages is not None else None,
        cpu_ms=limit.cpu_ms,
        memory_bytes=problem.limits.memory_bytes,
        output_bytes=problem.limits.output_bytes,
        source_bytes=problem.limits.code_bytes,
        case_total=len(problem.cases()),
        statements=[_statement(problem, each) for each in problem.statements],
        samples=list(_samples(problem)),
        findings=[
            {"severity": each.severity.value, "text": str(each)}
            for each in problem.findings[:FINDINGS_MAX]
        ],
        created_by=created_by,
        extra={
            "names": dict(said.names),
            "license": said.license,
            "problem_version": said.problem_version,
            "time_limit_open": problem.limits.time_limit_ms is None,
            "time_limit_source": limit.source,
            "verified": limit.verified,
        },
    )
    groups: list[TestGroup] = []
    _groups(problem.data, version.id, None, groups)
    by_name = {group.name: group.id for group in groups}
    cases = [
        _case(case, version.id, by_name, position)
        for position, case in enumerate(problem.cases(), start=1)
    ]
    return Contents(
        version=version,
        groups=groups,
        cases=cases,
        title=problem.title(),
        keywords=sorted({each.lower()[:64] for each in said.keywords}),
    )


def _groups(
    group: PackageGroup, version_id: UUID, parent: UUID | None, into: list[TestGroup]
) -> None:
    scoring = group.scoring
    row = TestGroup(
        id=new_id(),
        version_id=version_id,
        parent_id=parent,
        name=group.name,
        position=len(into) + 1,
        sample=group.name.split("/")[0] == "sample",
        max_score=None
        if scoring is None or scoring.max_score is None
        else str(float(scoring.max_score)),
        extra={} if scoring is None else {"aggregation": scoring.aggregation.value},
    )
    into.append(row)
    for child in group.groups:
        _groups(child, version_id, row.id, into)


def _case(case: PackageCase, version_id: UUID, groups: dict[str, UUID], position: int) -> TestCase:
    return TestCase(
        id=new_id(),
        version_id=version_id,
        group_id=groups[case.name.rpartition("/")[0]],
        name=case.name,
        position=position,
        sample=case.sample,
        input_sha256=sha256_of(case.input),
        input_bytes=case.input_bytes,
        answer_sha256=sha256_of(case.answer) if case.answer is not None else None,
        answer_bytes=case.answer_bytes,
    )


def _statement(problem: Problem, statement: Statement) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "language": statement.language,
        "format": statement.kind,
        "title": problem.title(statement.language),
        "file": statement.file,
    }
    if statement.kind == "pdf":
        return shown
    # NUL is no text for PostgreSQL.
    text = statement.path.read_bytes()[:STATEMENT_BYTES_MAX].decode("utf-8", "replace")
    shown["text"] = text.replace("\0", "\ufffd")
    return shown


def _samples(problem: Problem) -> Iterator[dict[str, Any]]:
    for sample in problem.samples:
        shown: dict[str, Any] = {"name": sample.name}
        for key in ("input", "answer", "interaction"):
            path: Path | None = getattr(sample, key)
            if path is not None:
                shown[key] = _content(path)
        if len(shown) > 1:
            yield shown


def _content(path: Path) -> dict[str, Any]:
    with path.open("rb") as opened:
        data = opened.read(SAMPLE_BYTES_MAX)
    size = path.stat().st_size
    cut = size > len(data)
    try:
        text = data.decode("utf-8", "strict" if not cut else "ignore")
    except UnicodeDecodeError:
        text = ""
    if "\0" in text or (data and not text):
        return {"base64": base64.b64encode(data).decode(), "bytes": size, "cut": cut}
    return {"text": text, "bytes": size, "cut": cut}
