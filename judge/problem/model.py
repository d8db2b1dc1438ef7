"""A problem as the engine sees it, whatever version of the format it came in.

Everything here is frozen. Sizes are bytes, times milliseconds, scores and factors exact
fractions. Paths named `path` are absolute and point into the package (or its extracted copy);
names are what the package calls a thing, with `/` between parts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from judge import limits
from judge.problem.findings import Finding, Severity
from judge.problem.programs import ExampleSubmission, ProgramSource, SourceFile


class FormatVersion(StrEnum):
    """The versions of the Problem Package Format we read."""

    LEGACY = "legacy"
    LEGACY_ICPC = "legacy-icpc"
    DRAFT_2023_07 = "2023-07-draft"
    V2025_09 = "2025-09"

    @property
    def legacy(self) -> bool:
        """Tell whether the rules of the format before 2023 apply."""
        return self in {FormatVersion.LEGACY, FormatVersion.LEGACY_ICPC}


class ProblemKind(StrEnum):
    """What a problem can be; several may hold at once."""

    PASS_FAIL = "pass-fail"  # noqa: S105 - not a password
    SCORING = "scoring"
    INTERACTIVE = "interactive"
    MULTI_PASS = "multi-pass"  # noqa: S105 - not a password
    SUBMIT_ANSWER = "submit-answer"


class TimeLimitSource(StrEnum):
    """Where a time limit was found, in the order in which they are asked."""

    PROBLEM_YAML = "problem.yaml"
    TIMELIMIT_FILE = ".timelimit"
    DOMJUDGE_INI = "domjudge-problem.ini"
    COMPUTED = "computed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a problem. `time_limit_ms` None means: compute it from the jury's submissions.

    `stated` holds the keys the package gives itself: those must be honoured exactly.
    """

    time_limit_ms: int | None = None
    time_limit_source: TimeLimitSource = TimeLimitSource.COMPUTED
    ac_to_time_limit: Fraction = Fraction(2)
    time_limit_to_tle: Fraction = Fraction(3, 2)
    time_resolution_ms: int = 1000
    memory_bytes: int = limits.MEMORY_BYTES_DEFAULT
    output_bytes: int = limits.OUTPUT_BYTES_DEFAULT
    code_bytes: int = limits.SOURCE_BYTES_DEFAULT
    compilation_time_ms: int = limits.COMPILE_CPU_MS_DEFAULT
    compilation_memory_bytes: int = limits.COMPILE_MEMORY_BYTES_DEFAULT
    validation_time_ms: int = limits.VALIDATION_CPU_MS_DEFAULT
    validation_memory_bytes: int = limits.VALIDATION_MEMORY_BYTES_DEFAULT
    validation_output_bytes: int = limits.VALIDATION_OUTPUT_BYTES_DEFAULT
    validation_passes: int = limits.VALIDATION_PASSES_DEFAULT
    stated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatorArgs:
    """Arguments for validators: the same for all, or by the validator's name."""

    common: tuple[str, ...] = ()
    by_name: Mapping[str, tuple[str, ...]] | None = None

    def of(self, validator: str) -> tuple[str, ...]:
        """Return the arguments of the validator with this name."""
        if self.by_name is None:
            return self.common
        return self.common + self.by_name.get(validator, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One test case. `answer` is None where the package gives none.

    `output` is a jury's output (`.out`): shown in place of the answer for samples, and the thing
    to be validated in `invalid_output` and `valid_output`. `files` go into the submission's
    working directory.
    """

    __test__ = False

    name: str
    input: Path
    input_bytes: int
    answer: Path | None = None
    answer_bytes: int = 0
    output: Path | None = None
    args: tuple[str, ...] = ()
    files: tuple[SourceFile, ...] = ()
    input_validator_args: ValidatorArgs = field(default_factory=ValidatorArgs)
    output_validator_args: ValidatorArgs = field(default_factory=ValidatorArgs)
    full_feedback: bool = False
    hint: str = ""
    description: str = ""
    image: Path | None = None

    @property
    def sample(self) -> bool:
        """Tell whether the case is a sample."""
        return self.name.startswith("sample/")


class OnReject(StrEnum):
    """What a legacy group does after a rejected child: grade at once, or judge the rest first."""

    BREAK = "break"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyGrading:
    """How a legacy group is graded, inheritance already applied.

    A range bound None is infinite. `flags` are for the default grader or, when `custom`, for the
    package's own.
    """

    on_reject: OnReject = OnReject.BREAK
    custom: bool = False
    flags: tuple[str, ...] = ()
    accept_score: Fraction = Fraction(1)
    reject_score: Fraction = Fraction(0)
    score_min: Fraction | None = None
    score_max: Fraction | None = None


class Aggregation(StrEnum):
    """How a 2025-09 group combines the scores below it."""

    PASS_FAIL = "pass-fail"  # noqa: S105 - not a password
    SUM = "sum"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScoring:
    """How a 2025-09 group is scored. `max_score` None is unbounded.

    `static_validation` says that the group has a static validation case; its score None means
    that it only passes or fails. Groups in `require_pass` are named relative to `data/`.
    """

    aggregation: Aggregation = Aggregation.PASS_FAIL
    max_score: Fraction | None = None
    require_pass: tuple[str, ...] = ()
    static_validation: bool = False
    static_validation_score: Fraction | None = None
    static_validator_args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TestGroup:
    """A node of the test data. The root's name is ""; below it are `sample` and `secret`.

    Exactly one of `legacy` and `scoring` is set. `cases` and `groups` are each in judging order,
    `children` is both together in judging order.
    """

    __test__ = False

    name: str
    cases: tuple[TestCase, ...] = ()
    groups: tuple["TestGroup", ...] = ()
    legacy: LegacyGrading | None = None
    scoring: GroupScoring | None = None

    @property
    def children(self) -> tuple["TestCase | TestGroup", ...]:
        """Cases and groups in judging order: by name, byte for byte."""
        return tuple(sorted((*self.cases, *self.groups), key=lambda child: child.name.encode()))

    def all_cases(self) -> Iterator[TestCase]:
        """Yield every case at or below this group in judging order."""
        for child in self.children:
            if isinstance(child, TestCase):
                yield child
            else:
                yield from child.all_cases()

    def all_groups(self) -> Iterator["TestGroup"]:
        """Yield this group and all below it, parents first."""
        yield self
        for group in self.groups:
            yield from group.all_groups()

    def find(self, name: str) -> "TestGroup | None":
        """Return the group of that name at or below this one."""
        return next((group for group in self.all_groups() if group.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The text of the problem in one language; `assets` are all other files beside it."""

    language: str
    kind: str
    path: Path
    file: str
    name: str
    assets: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleView:
    """One sample as people see it, in statement order.

    Either `interaction` is set, or `input` and `answer` are; all are None when the package has
    nothing it allows to be shown. `case` is the name of the judged case, None when there is none.
    """

    name: str
    case: str | None
    input: Path | None = None
    answer: Path | None = None
    interaction: Path | None = None
    download_input: Path | None = None
    download_answer: Path | None = None
    image: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to be credited."""

    name: str
    email: str = ""
    orcid: str = ""
    kattis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a problem was used first."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """Who made the problem. Translators are by language."""

    authors: tuple[Person, ...] = ()
    contributors: tuple[Person, ...] = ()
    testers: tuple[Person, ...] = ()
    translators: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    packagers: tuple[Person, ...] = ()
    acknowledgements: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What `problem.yaml` says, version differences evened out.

    `custom_output` asks for the package's own output validator, `custom_score` lets it give scores.
    Legacy says nothing of writing files, so it is allowed there. `languages` None means all.
    `constants` maps `name` and `name.variant` to text.
    """

    version: FormatVersion
    kinds: frozenset[ProblemKind]
    names: Mapping[str, str] = field(default_factory=dict)
    uuid: str = ""
    problem_version: str = ""
    credits: Credits = field(default_factory=Credits)
    sources: tuple[Origin, ...] = ()
    license: str = "unknown"
    rights_owner: str = ""
    embargo_until: str = ""
    limits: Limits = field(default_factory=Limits)
    keywords: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    allow_file_writing: bool = False
    constants: Mapping[str, str] = field(default_factory=dict)
    custom_output: bool = False
    custom_score: bool = False
    validator_flags: tuple[str, ...] = ()
    maximise: bool = True
    show_test_data_groups: bool = False
    grading_defaults: Mapping[str, str] = field(default_factory=dict)
    color: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Problem:
    """A whole problem package.

    `output_validators` empty means the default validator; a legacy package may have several, of
    which all must accept. `include` maps a language code (or `default`) to files for every
    submission. `data` is the root group with `sample` and `secret` below it; the validation cases
    are no part of it.
    """

    name: str
    root: Path
    metadata: Metadata
    data: TestGroup
    invalid_input: tuple[TestCase, ...] = ()
    invalid_output: tuple[TestCase, ...] = ()
    valid_output: tuple[TestCase, ...] = ()
    samples: tuple[SampleView, ...] = ()
    statements: tuple[Statement, ...] = ()
    solutions: tuple[Statement, ...] = ()
    output_validators: tuple[ProgramSource, ...] = ()
    input_validators: tuple[ProgramSource, ...] = ()
    static_validator: ProgramSource | None = None
    grader: ProgramSource | None = None
    generators: tuple[ProgramSource, ...] = ()
    include: Mapping[str, tuple[SourceFile, ...]] = field(default_factory=dict)
    submissions: tuple[ExampleSubmission, ...] = ()
    attachments: tuple[SourceFile, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def limits(self) -> Limits:
        """The problem's limits."""
        return self.metadata.limits

    @property
    def legacy(self) -> bool:
        """Tell whether the package is of the format before 2023."""
        return self.metadata.version.legacy

    @property
    def legacy_grading(self) -> bool:
        """Tell whether groups are graded by legacy rules: `TestGroup.legacy` is set then.

        Some packages of the drafts since keep their legacy test data.
        """
        return self.data.legacy is not None

    @property
    def scoring(self) -> bool:
        """Tell whether submissions get a score."""
        return ProblemKind.SCORING in self.metadata.kinds

    @property
    def interactive(self) -> bool:
        """Tell whether the validator talks with the submission."""
        return ProblemKind.INTERACTIVE in self.metadata.kinds

    @property
    def multi_pass(self) -> bool:
        """Tell whether the validator can ask for another run."""
        return ProblemKind.MULTI_PASS in self.metadata.kinds

    @property
    def submit_answer(self) -> bool:
        """Tell whether a submission is answer files and no program."""
        return ProblemKind.SUBMIT_ANSWER in self.metadata.kinds

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return the findings that are errors."""
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)

    def title(self, language: str = "en") -> str:
        """Return the problem's name in a language, else in English, else in any, else its id."""
        names = self.metadata.names
        return names.get(language) or names.get("en") or next(iter(names.values()), self.name)

    def cases(self) -> tuple[TestCase, ...]:
        """Return all cases that are judged, in judging order: samples first, then secret."""
        return tuple(self.data.all_cases())

    def includes(self, language: str) -> dict[str, bytes]:
        """Return the files to copy over a submission in this language (a code of the format)."""
        both = (*self.include.get("default", ()), *self.include.get(language, ()))
        return {file.name: file.read(self.metadata.constants) for file in both}

    def sources(self, program: ProgramSource | ExampleSubmission) -> dict[str, bytes]:
        """Return a program's files by name with the package's constants filled in."""
        return {file.name: file.read(self.metadata.constants) for file in program.files}
