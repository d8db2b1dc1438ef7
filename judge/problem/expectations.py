"""What each example submission should get: directory, tag, or `submissions.yaml` says it.

The answer is a set of allowed final verdicts (the verdict of the first case that is not accepted)
and, for 2025-09, rules about the verdicts of all cases.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from judge.errors import PackageError
from judge.problem.findings import Findings, quoted
from judge.problem.globs import GlobError, compile_glob, matches
from judge.problem.labels import Tags, ordered, verdict_named
from judge.problem.model import Metadata, ProblemKind
from judge.problem.programs import CaseRule, Expectation, LabelSource, ScoreRange
from judge.problem.yaml_reading import Map, Scalar, Section, Sequence
from judge.verdicts import Verdict

FILE = "submissions/submissions.yaml"

_AC, _WA, _TLE, _RTE = Verdict.AC, Verdict.WA, Verdict.TLE, Verdict.RTE
_ALL = frozenset({_AC, _WA, _TLE, _RTE})
_RULE_KEYS = ("permitted", "required", "score", "message", "use_for_time_limit")

# Where a tag has no say.
_OFFICIAL = {"accepted", "wrong_answer", "time_limit_exceeded", "run_time_error"}


def _rule(
    name: str, permitted: Iterable[Verdict] | None = None, required: Iterable[Verdict] | None = None
) -> CaseRule:
    return CaseRule(
        permitted=None if permitted is None else frozenset(permitted),
        required=None if required is None else frozenset(required),
        pattern=name,
    )


_DIRECTORIES: Mapping[str, CaseRule] = MappingProxyType(
    {
        "accepted": _rule("accepted", [_AC]),
        "rejected": _rule("rejected", None, [_RTE, _TLE, _WA]),
        "wrong_answer": _rule("wrong_answer", [_AC, _WA], [_WA]),
        "time_limit_exceeded": _rule("time_limit_exceeded", [_AC, _TLE], [_TLE]),
        "run_time_error": _rule("run_time_error", [_AC, _RTE], [_RTE]),
        "brute_force": _rule("brute_force", [_AC, _RTE, _TLE], [_RTE, _TLE]),
    }
)

_LEGACY_VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {
        "accepted": _AC,
        "partially_accepted": _AC,
        "wrong_answer": _WA,
        "time_limit_exceeded": _TLE,
        "run_time_error": _RTE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionInfo:
    """What one pattern of `submissions.yaml` says of the submissions it matches."""

    pattern: str
    rules: tuple[CaseRule, ...] = ()
    language: str | None = None
    entry_point: str | None = None
    model_solution: bool = False
    authors: tuple[str, ...] = ()


def read_submissions_yaml(section: Section, *, scoring: bool) -> tuple[SubmissionInfo, ...]:
    """Return the patterns of `submissions.yaml` in the order given."""
    found = []
    for pattern, node in section.items():
        below = Section(node, section.file, section.findings, pattern)
        _check_glob(section.findings, pattern, pattern)
        default = _DIRECTORIES.get(pattern.strip("/"))
        rules = [_case_rule(below, "", pattern, default, scoring=scoring)]
        language = below.text("language") or None
        entry_point = below.text("entrypoint") or None
        model_solution = below.boolean("model_solution", default=False)
        authors = _authors(below)
        for key in tuple(below.keys_left()):
            if isinstance(below.node(key), Map):
                inner = below.section(key)
                assert inner is not None
                _check_glob(section.findings, f"{pattern}.{key}", key)
                rules.append(_case_rule(inner, key, pattern, None, scoring=scoring))
                inner.finish()
            else:
                below.warn(key, "unknown key; ignored")
        found.append(
            SubmissionInfo(
                pattern=pattern,
                rules=tuple(rule for rule in rules if _says_something(rule)),
                language=language,
                entry_point=entry_point,
                model_solution=model_solution,
                authors=authors,
            )
        )
    return tuple(found)


def _check_glob(findings: Findings, key: str, pattern: str) -> None:
    try:
        compile_glob(pattern.strip("/"))
    except GlobError as error:
        raise PackageError(f"{FILE}: {key}: {error}") from error
    if "**" in pattern or "[" in pattern or "?" in pattern:
        findings.warn(FILE, key, "only * and {a,b} are special in a pattern")


def _authors(section: Section) -> tuple[str, ...]:
    node = section.node("authors")
    items = node.items if isinstance(node, Sequence) else [node]
    names = []
    for item in items:
        if isinstance(item, Scalar):
            names.append(item.text.strip())
        elif isinstance(item, Map) and isinstance(item.items.get("name"), Scalar):
            name = item.items["name"]
            assert isinstance(name, Scalar)
            names.append(name.text.strip())
    return tuple(names)


def _says_something(rule: CaseRule) -> bool:
    empty = CaseRule(where=rule.where, pattern=rule.pattern)
    return rule != empty


def _case_rule(
    section: Section, where: str, pattern: str, default: CaseRule | None, *, scoring: bool
) -> CaseRule:
    permitted = _verdicts(section, "permitted")
    required = _verdicts(section, "required")
    if default is not None:
        permitted = default.permitted if permitted is None else permitted
        required = default.required if required is None else required
    score = _score(section)
    if score is not None and not scoring:
        section.warn("score", "has no meaning in a pass-fail problem; ignored")
        score = None
    rule = CaseRule(
        where=where,
        permitted=permitted,
        required=required,
        score=score,
        message=section.text("message"),
        pattern=pattern,
    )
    use = section.text("use_for_time_limit").lower()
    if use not in {"", "lower", "upper"}:
        if not section.boolean("use_for_time_limit", default=True):
            return rule
        use = ""
    return _bounding(rule, use)


def _bounding(rule: CaseRule, use: str = "") -> CaseRule:
    """Work out whether a rule makes a submission bound the time limit."""
    lower = rule.permitted is not None and _TLE not in rule.permitted
    upper = rule.required is not None and rule.required == {_TLE}
    return dataclasses.replace(
        rule, lower_bound=lower or use == "lower", upper_bound=upper or use == "upper"
    )


def _verdicts(section: Section, key: str) -> frozenset[Verdict] | None:
    texts = section.strings(key)
    if texts is None:
        return None
    words = [word for text in texts for word in text.replace(",", " ").split()]
    found = [verdict_named(word) for word in words]
    for word, verdict in zip(words, found, strict=True):
        if verdict not in _ALL:
            raise PackageError(
                f"{section.file}: {section.path(key)}: expected AC, WA, TLE or RTE, "
                f"got {quoted(word)}"
            )
    return frozenset(verdict for verdict in found if verdict is not None)


def _score(section: Section) -> ScoreRange | None:
    node = section.node("score")
    if isinstance(node, Sequence):
        items = node.items
        if len(items) != 2:
            raise section.error("score", "a number or a list of two")
        ends = [
            Section(Map({"score": item}), FILE, section.findings, section.where) for item in items
        ]
        low, high = (end.number("score") for end in ends)
        if low is None or high is None or low > high:
            raise section.error("score", "a list of two numbers, the smaller first")
        return ScoreRange(low=low, high=high)
    value = section.number("score", "a number or a list of two")
    return None if value is None else ScoreRange(low=value, high=value)


def expect(
    name: str, tags: Tags, infos: Iterable[SubmissionInfo], metadata: Metadata
) -> Expectation:
    """Return what the submission of that name should get."""
    directory = name.partition("/")[0]
    matching = [info for info in infos if matches(info.pattern, name)]
    rules = tuple(rule for info in matching for rule in info.rules)
    if not metadata.version.legacy or rules:
        return _modern(directory, tags, matching, rules, metadata)
    verdict = _LEGACY_VERDICTS.get(directory)
    if verdict is None:
        return _tagged(tags)
    scoring = ProblemKind.SCORING in metadata.kinds
    return Expectation(
        verdicts=(verdict,),
        source=LabelSource.DIRECTORY,
        partial=directory == "partially_accepted" and scoring,
        score=tags.score,
        grades=tags.grades,
        rules=_legacy_rules(directory),
    )


def _legacy_rules(directory: str) -> tuple[CaseRule, ...]:
    # Legacy takes the time limit from accepted submissions alone.
    return (
        CaseRule(
            lower_bound=directory == "accepted",
            upper_bound=directory == "time_limit_exceeded",
            pattern=directory,
        ),
    )


def _tagged(tags: Tags) -> Expectation:
    if tags.verdicts is None and tags.score is None and not tags.grades:
        return Expectation()
    return Expectation(
        verdicts=tags.verdicts, source=LabelSource.TAG, score=tags.score, grades=tags.grades
    )


def _modern(
    directory: str,
    tags: Tags,
    infos: list[SubmissionInfo],
    rules: tuple[CaseRule, ...],
    metadata: Metadata,
) -> Expectation:
    replaced = any(info.pattern.strip("/") == directory for info in infos)
    default = _DIRECTORIES.get(directory)
    if default is not None and not replaced:
        rules = (_bounding(default), *rules)
    partial = directory == "partially_accepted" and ProblemKind.SCORING in metadata.kinds
    if not rules:
        if partial:
            # No directory of this version, and a score instead of a verdict.
            return Expectation(
                verdicts=tags.verdicts, source=LabelSource.DIRECTORY, partial=True, score=tags.score
            )
        return _tagged(tags)
    explicit = any(info.rules for info in infos)
    whole = next((rule.score for rule in rules if rule.where == "" and rule.score), None)
    return Expectation(
        verdicts=final_verdicts(rules),
        source=LabelSource.SUBMISSIONS_YAML if explicit else LabelSource.DIRECTORY,
        score=whole or tags.score,
        grades=tags.grades,
        rules=rules,
    )


def final_verdicts(rules: Iterable[CaseRule]) -> tuple[Verdict, ...]:
    """Return the final verdicts that rules about cases leave possible.

    The final verdict is the first that is not AC. A rule for some cases says nothing of the
    others, so only rules for all cases take a rejection away; AC needs every rule to allow it.
    """
    possible = set(_ALL)
    accepted = True
    for rule in rules:
        if rule.permitted is not None:
            accepted = accepted and _AC in rule.permitted
            if rule.where == "":
                possible &= rule.permitted
        if rule.required is not None:
            accepted = accepted and _AC in rule.required
    possible.discard(_AC)
    return ordered(possible | ({_AC} if accepted else set()))
