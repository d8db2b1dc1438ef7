"""Reads `testdata.yaml` (legacy) and `test_group.yaml` (2025-09): how groups judge and score."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from judge.problem import constants
from judge.problem.findings import Findings, quoted
from judge.problem.model import (
    Aggregation,
    GroupScoring,
    LegacyGrading,
    Metadata,
    OnReject,
    ProblemKind,
    ValidatorArgs,
)
from judge.problem.tree import Entry, Tree
from judge.problem.yaml_reading import Map, Node, Scalar, Section, load, parse, parse_number

LEGACY_FILE = "testdata.yaml"
MODERN_FILE = "test_group.yaml"

_GRADING_KEYS = {"on_reject", "grading", "grader_flags", "accept_score", "reject_score", "range"}
_INFINITE = {"inf": 1, "+inf": 1, "-inf": -1, ".inf": 1, "+.inf": 1, "-.inf": -1}
_DEPRECATED_REJECT = {"first_error": "break", "grade": "continue"}
_UNBOUNDED = "unbounded"

# What 2025-09 calls a key, and what legacy calls it.
_NEW_NAMES = {
    "input_validator_args": "input_validator_flags",
    "output_validator_args": "output_validator_flags",
}
_DRAFT_SCORING = (
    ("aggregation", "score_aggregation"),
    ("score", "max_score"),
    ("max_score", "max_score"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDefaults:
    """What the cases of a directory get when their own `.yaml` does not say."""

    args: tuple[str, ...] = ()
    input_validator_args: ValidatorArgs = field(default_factory=ValidatorArgs)
    output_validator_args: ValidatorArgs = field(default_factory=ValidatorArgs)
    full_feedback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupConfig:
    """The settings of one directory, inheritance applied.

    `scoring` is None while no `test_group.yaml` was seen; `declared` tells whether this very
    directory has one.
    """

    cases: CaseDefaults
    legacy: LegacyGrading | None = None
    scoring: GroupScoring | None = None
    declared: bool = False


class GroupReader:
    """Reads the settings of directories below `data/` for one package."""

    def __init__(self, tree: Tree, metadata: Metadata, findings: Findings) -> None:
        self.tree = tree
        self.metadata = metadata
        self.findings = findings
        self.scoring = ProblemKind.SCORING in metadata.kinds
        self.legacy = metadata.version.legacy or self._keeps_legacy()

    def root(self) -> GroupConfig:
        """Return the settings of `data/` itself."""
        flags = ValidatorArgs(common=self.metadata.validator_flags)
        above = GroupConfig(cases=CaseDefaults(output_validator_args=flags))
        if not self.legacy:
            return self.below(above, "data")
        grading = LegacyGrading()
        defaults = self.metadata.grading_defaults
        if defaults:
            items: dict[str, Node] = {
                key: Scalar(text, plain=False) for key, text in defaults.items()
            }
            section = Section(Map(items), "problem.yaml", self.findings, "grading")
            grading = self._grading(section, grading)
        return self.below(dataclasses.replace(above, legacy=grading), "data")

    def below(self, above: GroupConfig, rel: str) -> GroupConfig:
        """Return the settings of a directory whose parent has the settings `above`."""
        found = self._file(rel)
        if self.legacy:
            if found is None:
                return dataclasses.replace(above, declared=False)
            return self._legacy(above, self._section(found))
        depth = rel.count("/")
        cases = above.cases
        if depth == 1:
            cases = dataclasses.replace(cases, full_feedback=rel == "data/sample")
        scoring = _scoring_default(rel)
        if found is None:
            return GroupConfig(cases=cases, scoring=scoring)
        if depth == 0:
            self.findings.warn(found.rel, "", "does not belong here; taken as a default")
        section = self._section(found)
        if found.name == LEGACY_FILE:
            section = _translated(section)
        cases = self.case_defaults(section, cases)
        scoring = self._scoring(section, scoring, rel)
        section.finish()
        declared = found.name == MODERN_FILE or depth > 1
        return GroupConfig(cases=cases, scoring=scoring, declared=declared)

    def case_defaults(self, section: Section, above: CaseDefaults) -> CaseDefaults:
        """Read the keys that `test_group.yaml` and a case's own `.yaml` share."""
        for key in ("input_visualizer_args", "output_visualizer_args"):
            section.node(key)
        args = _args(section, "args")
        output_args = _args(section, "output_validator_args")
        input_args = self._input_args(section)
        return CaseDefaults(
            args=above.args if args is None else args,
            input_validator_args=above.input_validator_args if input_args is None else input_args,
            output_validator_args=above.output_validator_args
            if output_args is None
            else ValidatorArgs(common=output_args),
            full_feedback=section.boolean("full_feedback", default=above.full_feedback),
        )

    def _keeps_legacy(self) -> bool:
        """Tell whether a package of a later version has test data graded the legacy way.

        Only where nothing says `test_group.yaml`, and some `testdata.yaml` says how to grade.
        """
        found = False
        for directory in _directories(self.tree, "data"):
            if self.tree.get(f"{directory}/{MODERN_FILE}") is not None:
                return False
            entry = self.tree.get(f"{directory}/{LEGACY_FILE}")
            if entry is not None and not found:
                node = load(entry.path, entry.rel, Findings())
                found = isinstance(node, Map) and bool(_GRADING_KEYS & set(node.items))
        if found:
            self.findings.warn(
                "data", "", f"graded by legacy rules: that is what {LEGACY_FILE} says"
            )
        return found

    def _file(self, rel: str) -> Entry | None:
        version = self.metadata.version
        names = (LEGACY_FILE, MODERN_FILE) if self.legacy else (MODERN_FILE, LEGACY_FILE)
        own, stray = (self.tree.get(f"{rel}/{name}") for name in names)
        if stray is None:
            return own
        if own is not None:
            self.findings.warn(stray.rel, "", f"not read beside {names[0]}")
            return own
        self.findings.warn(stray.rel, "", f"called {names[0]} in a {version} package; taken as it")
        return stray

    def _section(self, entry: Entry) -> Section:
        values = self.metadata.constants
        if values and entry.name == MODERN_FILE:
            data = constants.fill(entry.path.read_bytes(), values)
            return Section(parse(data, entry.rel, self.findings), entry.rel, self.findings)
        return Section(load(entry.path, entry.rel, self.findings), entry.rel, self.findings)

    def _legacy(self, above: GroupConfig, section: Section) -> GroupConfig:
        assert above.legacy is not None
        cases = above.cases
        section = _renamed(section, _NEW_NAMES)
        everywhere = ValidatorArgs(common=self.metadata.validator_flags)
        input_args = _legacy_flags(section, "input_validator_flags", ValidatorArgs())
        output_args = _legacy_flags(section, "output_validator_flags", everywhere)
        if input_args is not None:
            cases = dataclasses.replace(cases, input_validator_args=input_args)
        if output_args is not None:
            cases = dataclasses.replace(cases, output_validator_args=output_args)
        grading = self._grading(section, above.legacy)
        section.finish()
        return GroupConfig(cases=cases, legacy=grading, declared=True)

    def _grading(self, section: Section, above: LegacyGrading) -> LegacyGrading:
        on_reject = section.text("on_reject", above.on_reject)
        if on_reject in _DEPRECATED_REJECT:
            section.warn("on_reject", f"{quoted(on_reject)} is an old word; taken as its new one")
            on_reject = _DEPRECATED_REJECT[on_reject]
        if on_reject not in set(OnReject):
            raise section.error("on_reject", "break or continue")
        custom = section.choice("grading", ("default", "custom"), _grading_word(above)) == "custom"
        flags = section.text("grader_flags") if "grader_flags" in section else None
        accept = section.number("accept_score")
        reject = section.number("reject_score")
        low, high = _range(section, above)
        if not self.scoring:
            for key in ("accept_score", "reject_score", "range"):
                if key in section:
                    section.warn(key, "has no meaning in a pass-fail problem")
        return LegacyGrading(
            on_reject=OnReject(on_reject),
            custom=custom,
            flags=above.flags if flags is None else tuple(flags.split()),
            accept_score=above.accept_score if accept is None else accept,
            reject_score=above.reject_score if reject is None else reject,
            score_min=low,
            score_max=high,
        )

    def _scoring(self, section: Section, above: GroupScoring, rel: str) -> GroupScoring:
        aggregation = section.choice("score_aggregation", tuple(Aggregation), above.aggregation)
        most = above.max_score
        text = section.text("max_score")
        if text == _UNBOUNDED:
            most = None
        elif text:
            most = section.number("max_score", "a whole number or 'unbounded'")
            if most is None or most < 0:
                raise section.error("max_score", "a number from 0 or 'unbounded'")
        requires = section.strings("require_pass") or ()
        for key in ("max_score", "score_aggregation", "require_pass"):
            if key in section and rel == "data/sample":
                section.warn(key, "has no meaning for samples")
            elif key in section and not self.scoring:
                section.warn(key, "has no meaning in a pass-fail problem")
        static = section.text("static_validation_score")
        score = None
        if static and static != "pass-fail":
            score = section.number("static_validation_score", "a whole number or 'pass-fail'")
            if score is None or score < 0:
                raise section.error("static_validation_score", "a number from 0 or 'pass-fail'")
        static_args = _args(section, "static_validator_args") or ()
        if static_args and not static:
            section.warn("static_validator_args", "has no meaning without static_validation_score")
        return GroupScoring(
            aggregation=Aggregation(aggregation),
            max_score=most,
            require_pass=requires,
            static_validation=bool(static),
            static_validation_score=score,
            static_validator_args=static_args,
        )

    def _input_args(self, section: Section) -> ValidatorArgs | None:
        if isinstance(section.node("input_validator_args"), Map):
            below = section.section("input_validator_args")
            assert below is not None
            names = [name for name, _ in below.items()]
            return ValidatorArgs(by_name={name: _args(below, name) or () for name in names})
        common = _args(section, "input_validator_args")
        return None if common is None else ValidatorArgs(common=common)


def _translated(section: Section) -> Section:
    """Map the keys of older drafts of the format to those of 2025-09."""
    renamed = _renamed(section, {new: old for old, new in _NEW_NAMES.items()})
    items = dict(renamed.items())
    scoring = items.pop("scoring", None)
    if isinstance(scoring, Map):
        for old, new in _DRAFT_SCORING:
            if old in scoring.items:
                items[new] = scoring.items[old]
    return Section(Map(items), section.file, section.findings)


def _renamed(section: Section, names: Mapping[str, str]) -> Section:
    """Return the section with keys of another version under the names of this one."""
    items: dict[str, Node] = {}
    for key, node in section.items():
        name = names.get(key, key)
        if name != key:
            section.warn(key, f"called {name} in this version; taken as it")
        items[name] = node
    return Section(Map(items), section.file, section.findings)


def _directories(tree: Tree, rel: str) -> Iterator[str]:
    if tree.directory(rel) is not None:
        yield rel
        for entry in tree.entries(rel):
            if entry.directory:
                yield from _directories(tree, entry.rel)


def _grading_word(above: LegacyGrading) -> str:
    return "custom" if above.custom else "default"


def _scoring_default(rel: str) -> GroupScoring:
    if rel == "data/secret":
        return GroupScoring(aggregation=Aggregation.SUM, max_score=Fraction(100))
    return GroupScoring()


def _args(section: Section, key: str) -> tuple[str, ...] | None:
    node = section.node(key)
    if isinstance(node, Scalar):
        section.warn(key, "expected a list; read as words separated by blanks")
        return tuple(node.text.split())
    return section.strings(key)


def _legacy_flags(section: Section, key: str, before: ValidatorArgs) -> ValidatorArgs | None:
    """Read legacy flags: one text for all validators, or a map with a validator's name.

    `before` are problem-wide flags, which stay in front.
    """
    node = section.node(key)
    match node:
        case None:
            return None
        case Scalar():
            return ValidatorArgs(common=(*before.common, *node.text.split()))
        case Map():
            below = section.section(key)
            assert below is not None
            flags = tuple(below.text("flags").split())
            name = below.text("name")
            below.finish()
            return ValidatorArgs(common=before.common, by_name={name: flags})
        case _:
            return ValidatorArgs(common=(*before.common, *section.texts_of(node, key)))


def _range(section: Section, above: LegacyGrading) -> tuple[Fraction | None, Fraction | None]:
    words = section.strings("range")
    if words is None:
        return above.score_min, above.score_max
    parts = [part for word in words for part in word.split()]
    if len(parts) != 2:
        raise section.error("range", "two numbers")
    low, high = (_bound(section, part) for part in parts)
    if low is not None and high is not None and low > high:
        raise section.error("range", "two numbers, the smaller first")
    return low, high


def _bound(section: Section, text: str) -> Fraction | None:
    if text.lower() in _INFINITE:
        return None
    value = parse_number(text)
    if value is None:
        raise section.error("range", "two numbers")
    return value
