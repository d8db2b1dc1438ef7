"""Reads `problem.yaml` of every version into one `Metadata`."""

import dataclasses
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from judge.errors import PackageError
from judge.problem import constants
from judge.problem.crediting import read_credits, read_sources
from judge.problem.findings import Findings, quoted
from judge.problem.limiting import read_limits
from judge.problem.model import FormatVersion, Metadata, ProblemKind
from judge.problem.yaml_reading import Map, Node, Scalar, Section, show

FILE = "problem.yaml"

_KINDS = {kind.value: kind for kind in ProblemKind}
_EXCLUSIVE = (
    (ProblemKind.PASS_FAIL, ProblemKind.SCORING),
    (ProblemKind.SUBMIT_ANSWER, ProblemKind.MULTI_PASS),
    (ProblemKind.SUBMIT_ANSWER, ProblemKind.INTERACTIVE),
)
_VALIDATION_WORDS = {"default", "custom", "score", "interactive", "multi-pass", "multipass"}
_LICENSES = {
    *("unknown", "public domain", "cc0", "cc by", "cc by-sa", "educational", "permission"),
}
_DRAFTS = (
    ({"2023-07"}, FormatVersion.DRAFT_2023_07),
    ({"draft", "2025-09-draft"}, FormatVersion.V2025_09),
)
_GRADING_KEYS = ("accept_score", "reject_score", "range", "on_reject")


def read_version(section: Section) -> FormatVersion:
    """Return the format version: everything else depends on it."""
    text = section.text("problem_format_version", FormatVersion.LEGACY)
    for drafts, version in _DRAFTS:
        if text in drafts:
            section.warn("problem_format_version", f"{quoted(text)} is read as {version}")
            return version
    if text not in set(FormatVersion):
        known = ", ".join(FormatVersion)
        raise section.error("problem_format_version", f"one of {known}")
    return FormatVersion(text)


def read_metadata(node: Node, findings: Findings) -> Metadata:
    """Return what `problem.yaml` says; names may still lack those only statements give."""
    section = Section(node, FILE, findings)
    version = read_version(section)
    common = Metadata(
        version=version,
        kinds=frozenset(),
        names=_names(section, version),
        uuid=section.text("uuid"),
        problem_version=section.text("version"),
        credits=read_credits(section),
        sources=read_sources(section),
        license=_license(section),
        rights_owner=section.text("rights_owner"),
        limits=read_limits(section, version),
        keywords=_words(section, "keywords", version),
        languages=_languages(section),
    )
    metadata = _legacy(section, common) if version.legacy else _modern(section, common)
    section.finish()
    return metadata


def _legacy(section: Section, common: Metadata) -> Metadata:
    kinds = set(_kinds(section, legacy=True))
    words = _validation(section)
    if "interactive" in words:
        kinds.add(ProblemKind.INTERACTIVE)
    if words & {"multi-pass", "multipass"}:
        kinds.add(ProblemKind.MULTI_PASS)
    scoring = ProblemKind.SCORING in kinds
    if "score" in words and not scoring:
        section.warn("validation", "'score' has no meaning in a pass-fail problem; ignored")
    grading = section.section("grading")
    maximise, show_groups = True, False
    defaults: dict[str, str] = {}
    if grading is not None:
        if not scoring:
            grading.findings.warn(FILE, "grading", "has no meaning in a pass-fail problem")
        maximise = grading.choice("objective", ("max", "min"), "max") == "max"
        show_groups = grading.boolean("show_test_data_groups", default=False)
        for key in _GRADING_KEYS:
            if grading.text(key):
                grading.warn(key, "belongs into data/testdata.yaml; taken as the default there")
                defaults[key] = grading.text(key)
        grading.text("custom_scoring")
        grading.finish()
    return dataclasses.replace(
        common,
        kinds=_checked(section, kinds),
        custom_output="custom" in words,
        custom_score="score" in words and scoring,
        validator_flags=tuple(section.text("validator_flags").split()),
        allow_file_writing=True,
        maximise=maximise,
        show_test_data_groups=show_groups,
        grading_defaults=MappingProxyType(defaults),
    )


def _modern(section: Section, common: Metadata) -> Metadata:
    kinds = set(_kinds(section, legacy=False))
    if "validation" in section:
        words = _validation(section)
        section.warn("validation", "a legacy key; 'type' and output_validator/ say this now")
        if "interactive" in words:
            kinds.add(ProblemKind.INTERACTIVE)
        if words & {"multi-pass", "multipass"}:
            kinds.add(ProblemKind.MULTI_PASS)
    flags = tuple(section.text("validator_flags").split())
    if flags:
        section.warn("validator_flags", "a legacy key; output_validator_args say this now; kept")
    return dataclasses.replace(
        common,
        kinds=_checked(section, kinds),
        custom_score=ProblemKind.SCORING in kinds,
        validator_flags=flags,
        embargo_until=section.text("embargo_until"),
        allow_file_writing=section.boolean("allow_file_writing", default=False),
        constants=_constants(section),
    )


def _kinds(section: Section, *, legacy: bool) -> Iterable[ProblemKind]:
    texts = section.strings("type") or (ProblemKind.PASS_FAIL.value,)
    words = [word for text in texts for word in text.split()]
    if len(words) > len(texts):
        section.warn("type", "several types are written as a list; read as one")
    if len(set(words)) < len(words):
        section.warn("type", "a type is repeated")
    allowed = ("pass-fail", "scoring") if legacy else tuple(_KINDS)
    for word in words:
        if word not in _KINDS:
            raise PackageError(
                f"{FILE}: {section.path('type')}: expected one of {', '.join(allowed)}, "
                f"got {quoted(word)}"
            )
        if word not in allowed:
            section.warn("type", f"{quoted(word)} is no type of the legacy format; taken anyway")
    return [_KINDS[word] for word in words]


def _checked(section: Section, kinds: set[ProblemKind]) -> frozenset[ProblemKind]:
    for one, other in _EXCLUSIVE:
        if one in kinds and other in kinds:
            raise PackageError(f"{FILE}: {section.path('type')}: {one} and {other} exclude another")
    if ProblemKind.SCORING not in kinds:
        kinds.add(ProblemKind.PASS_FAIL)
    return frozenset(kinds)


def _validation(section: Section) -> set[str]:
    texts = section.strings("validation") or ("default",)
    words = {word for text in texts for word in text.replace(",", " ").split()}
    for word in sorted(words - _VALIDATION_WORDS):
        section.warn("validation", f"unknown word {quoted(word)}; ignored")
    words &= _VALIDATION_WORDS
    if words - {"default", "custom"} and "custom" not in words:
        section.warn("validation", "only a custom validator can do this; read as custom")
        words.add("custom")
    if {"default", "custom"} <= words:
        section.warn("validation", "both default and custom; read as custom")
    return words


def _names(section: Section, version: FormatVersion) -> Mapping[str, str]:
    node = section.node("name")
    match node:
        case None:
            return {}
        case Scalar():
            # The language of a plain legacy name is told from the statements, later.
            return {"" if version.legacy else "en": node.text.strip()}
        case Map():
            if version.legacy:
                section.warn("name", "names by language are not legacy; taken anyway")
            names = {}
            for language, name in node.items.items():
                if not isinstance(name, Scalar):
                    raise section.error("name", f"a text for {quoted(language)}", name)
                names[language] = name.text.strip()
            return MappingProxyType(names)
        case _:
            raise section.error("name", "a text or a map of texts")


def _license(section: Section) -> str:
    text = section.text("license", "unknown")
    if text.lower() not in _LICENSES:
        section.warn("license", f"{quoted(text)} is no license of the format; read as 'unknown'")
        return "unknown"
    return text.lower()


def _words(section: Section, key: str, version: FormatVersion) -> tuple[str, ...]:
    texts = section.strings(key) or ()
    if isinstance(section.node(key), Scalar):
        if not version.legacy and texts:
            section.warn(key, "expected a list; read as words separated by blanks")
        return tuple(word.strip(",") for text in texts for word in text.split())
    return texts


def _languages(section: Section) -> tuple[str, ...] | None:
    texts = section.strings("languages")
    if texts is None:
        return None
    words = tuple(word.strip(",") for text in texts for word in text.split())
    if not words:
        raise section.error("languages", "'all' or a list of languages")
    return None if "all" in words else words


def _constants(section: Section) -> Mapping[str, str]:
    below = section.section("constants")
    if below is None:
        return {}
    found: dict[str, str] = {}
    for name, node in below.items():
        if not constants.NAME.fullmatch(name):
            below.warn(name, "not a name for a constant; ignored")
            continue
        match node:
            case Scalar():
                found[name] = found[f"{name}.value"] = node.text
            case Map():
                found.update(_variants(below, name, node))
            case _:
                raise below.error(name, "a number, a text or a map with 'value'", node)
    return MappingProxyType(found)


def _variants(section: Section, name: str, node: Map) -> dict[str, str]:
    if "value" not in node.items:
        raise PackageError(f"{FILE}: {section.path(name)}.value: missing")
    found: dict[str, str] = {}
    for variant, value in node.items.items():
        if not isinstance(value, Scalar):
            where = f"{section.path(name)}.{variant}"
            raise PackageError(f"{FILE}: {where}: expected a number or a text, got {show(value)}")
        found[f"{name}.{variant}"] = value.text
    found[name] = found[f"{name}.value"]
    return found
