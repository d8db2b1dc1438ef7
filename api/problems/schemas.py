"""Problems as clients see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from api.db.models import CodeProblem, CodeProblemVersion, Visibility


class Limits(BaseModel):
    """What every run is held to."""

    cpu_ms: int
    memory_bytes: int
    output_bytes: int
    source_bytes: int


class ProblemSummary(BaseModel):
    """A problem in a list."""

    id: UUID
    slug: str
    title: str
    keywords: list[str]
    kinds: list[str]
    difficulty: int | None
    visibility: Visibility


class StatementText(BaseModel):
    """The statement in one language; `text` is missing for PDF."""

    language: str
    format: str
    title: str
    file: str = ""
    text: str | None = None


class ProblemDetail(ProblemSummary):
    """A problem with all a player needs to work on it."""

    version_id: UUID
    version: int
    limits: Limits
    languages: Annotated[list[str] | None, Field(description="None means all.")]
    case_total: int
    sample_total: int
    statements: list[StatementText]
    updated_at: datetime


class SampleContent(BaseModel):
    """A sample's file: text, or base64 where it is no text; `cut` when there is more of it."""

    text: str | None = None
    base64: str | None = None
    bytes: int
    cut: bool = False


class Sample(BaseModel):
    """A sample as the statement shows it."""

    name: str
    input: SampleContent | None = None
    answer: SampleContent | None = None
    interaction: SampleContent | None = None


class Samples(BaseModel):
    """All samples of a problem, in order."""

    items: list[Sample]


class ProblemPage(BaseModel):
    """A page of problems."""

    items: list[ProblemSummary]
    next_cursor: str | None = None


class TimeLimit(BaseModel):
    """A version's time limit; `source` is a file of the package, `computed` or `default`."""

    cpu_ms: int
    source: str
    note: str = ""


class Finding(BaseModel):
    """A remark on a package: the file, the key in it, the text."""

    severity: str
    text: str


class ImportResult(BaseModel):
    """What a job that imports a package made; `created` is False when it was there already."""

    problem_id: UUID
    slug: str
    version_id: UUID
    version: int
    created: bool
    current: bool
    verified: bool
    time_limit: TimeLimit
    findings: list[Finding]
    submissions: list[dict[str, Any]]


class ProblemVersion(BaseModel):
    """A version of a problem, as its jury sees it."""

    id: UUID
    number: int
    current: bool
    created_at: datetime
    created_by: UUID | None
    title: str
    limits: Limits
    time_limit_source: str
    verified: Annotated[bool, Field(description="Its submissions were tried at the import.")]
    case_total: int
    data_hash: str
    package_sha256: str
    findings: list[Finding]


class ProblemVersionPage(BaseModel):
    """A page of versions, latest first."""

    items: list[ProblemVersion]
    next_cursor: str | None = None


def summary(problem: CodeProblem, version: CodeProblemVersion) -> ProblemSummary:
    """Return a problem as a list shows it."""
    return ProblemSummary(
        id=problem.id,
        slug=problem.slug,
        title=version.title,
        keywords=problem.keywords,
        kinds=version.kinds,
        difficulty=problem.difficulty,
        visibility=problem.visibility,
    )


def detail(problem: CodeProblem, version: CodeProblemVersion) -> ProblemDetail:
    """Return a problem with its statement; nothing secret is in either row."""
    return ProblemDetail(
        **summary(problem, version).model_dump(),
        version_id=version.id,
        version=version.number,
        limits=_limits(version),
        languages=version.languages,
        case_total=version.case_total,
        sample_total=len(version.samples),
        statements=[StatementText.model_validate(each) for each in version.statements],
        updated_at=version.created_at,
    )


def version(problem: CodeProblem, row: CodeProblemVersion) -> ProblemVersion:
    """Return a version with what only the jury may know of it."""
    return ProblemVersion(
        id=row.id,
        number=row.number,
        current=row.id == problem.current_version_id,
        created_at=row.created_at,
        created_by=row.created_by,
        title=row.title,
        limits=_limits(row),
        time_limit_source=row.extra.get("time_limit_source", ""),
        verified=row.extra.get("verified", False),
        case_total=row.case_total,
        data_hash=row.data_hash,
        package_sha256=row.package_sha256,
        findings=[Finding.model_validate(each) for each in row.findings],
    )


def _limits(version: CodeProblemVersion) -> Limits:
    return Limits(
        cpu_ms=version.cpu_ms,
        memory_bytes=version.memory_bytes,
        output_bytes=version.output_bytes,
        source_bytes=version.source_bytes,
    )
