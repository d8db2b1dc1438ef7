"""Static rules of the format that reading a package does not need: findings, never exceptions.

Errors are what makes a judgement doubtful: a missing answer, no case, no program to trust.
"""

import re
from collections.abc import Iterator

from judge.problem.constants import unknown
from judge.problem.findings import Findings, quoted
from judge.problem.model import Aggregation, Problem, TestGroup

_ID = re.compile(r"[a-z0-9]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_YAML = "problem.yaml"
_NAMED_MAX = 3


def check(problem: Problem, findings: Findings) -> None:
    """Add what is wrong with a package that could be read."""
    _check_metadata(problem, findings)
    _check_statements(problem, findings)
    _check_cases(problem, findings)
    _check_validators(problem, findings)
    _check_submissions(problem, findings)
    if problem.legacy_grading:
        _check_graders(problem, findings)
    else:
        _check_groups(problem, findings)
    if problem.metadata.constants:
        _check_constants(problem, findings)


def _check_metadata(problem: Problem, findings: Findings) -> None:
    said = problem.metadata
    if not _ID.fullmatch(problem.name):
        findings.note("", "", f"the package's name {quoted(problem.name)} should be a-z and 0-9")
    if said.uuid and not _UUID.fullmatch(said.uuid):
        findings.warn(_YAML, "uuid", f"{quoted(said.uuid)} is no UUID")
    if not said.version.legacy:
        for key, value in (("uuid", said.uuid), ("name", said.names)):
            if not value:
                findings.warn(_YAML, key, "missing")
    _check_license(problem, findings)
    if problem.multi_pass and "validation_passes" not in problem.limits.stated:
        findings.note(_YAML, "limits.validation_passes", "not given; 2 passes")
    if not problem.multi_pass and "validation_passes" in problem.limits.stated:
        findings.warn(_YAML, "limits.validation_passes", "has no meaning without multi-pass")


def _check_license(problem: Problem, findings: Findings) -> None:
    said = problem.metadata
    owner = said.rights_owner or said.credits.authors or said.sources
    if said.license == "unknown":
        findings.note(_YAML, "license", "unknown: the problem must not be passed on")
    elif said.license == "public domain":
        if said.rights_owner:
            findings.warn(_YAML, "rights_owner", "must not be set for the public domain")
    elif not owner:
        findings.warn(_YAML, "rights_owner", f"needed for license {quoted(said.license)}")


def _check_statements(problem: Problem, findings: Findings) -> None:
    where = "problem_statement" if problem.legacy else "statement"
    languages = {statement.language for statement in problem.statements}
    if not languages:
        findings.warn(where, "", "no statement")
    named = set(problem.metadata.names)
    for language in sorted(languages - named):
        findings.warn(_YAML, "name", f"no name in {quoted(language)}, which has a statement")
    if not problem.legacy and languages:
        for language in sorted(named - languages):
            findings.warn(_YAML, "name", f"no statement in {quoted(language)}, which has a name")


def _check_cases(problem: Problem, findings: Findings) -> None:
    secret = problem.data.find("secret")
    if secret is None or not any(True for _ in secret.all_cases()):
        findings.error("data/secret", "", "no test case")
    names = [case.name for case in problem.cases() if case.answer is None]
    if names and problem.output_validators:
        findings.warn("data", "", f"no answer file; an empty one is used: {_listed(names)}")
    elif names:
        findings.error("data", "", f"no answer file to compare with: {_listed(names)}")
    for cases, directory in (
        (problem.invalid_output, "data/invalid_output"),
        (problem.valid_output, "data/valid_output"),
    ):
        lacking = [case.name for case in cases if case.output is None]
        if lacking:
            findings.warn(directory, "", f"no .out file to validate: {_listed(lacking)}")
    if problem.interactive:
        shown = [view.name for view in problem.samples if view.interaction is None]
        if shown and problem.legacy:
            message = f"no .interaction to show, and .in and .ans stay hidden: {_listed(shown)}"
            findings.note("data/sample", "", message)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return ", ".join(names[:_NAMED_MAX]) + more


def _check_validators(problem: Problem, findings: Findings) -> None:
    if not problem.input_validators:
        findings.warn("input_validators", "", "no input validator")
    for program in problem.input_validators:
        if program.language in {"checktestdata", "viva"}:
            message = f"a {program.language} file; this judge cannot run it"
            findings.note(program.location, "", message)
    if (problem.interactive or problem.multi_pass) and not problem.output_validators:
        where = "output_validators" if problem.legacy else "output_validator"
        findings.error(where, "", "missing; interactive and multi-pass problems need their own")
    if problem.interactive and len(problem.output_validators) > 1:
        findings.error("output_validators", "", "an interactive problem can have only one")


def _check_submissions(problem: Problem, findings: Findings) -> None:
    accepted = [each for each in problem.submissions if each.directory == "accepted"]
    if not accepted:
        findings.warn("submissions/accepted", "", "no accepted submission")
    for each in problem.submissions:
        expectation = each.expectation
        where = f"submissions/{each.name}"
        if expectation.verdicts is None:
            findings.note(where, "", "nothing says what it should get")
        elif not expectation.verdicts:
            findings.error(where, "", "its rules exclude every verdict")
        if expectation.partial and not problem.scoring:
            findings.warn(where, "", "partially accepted has no meaning in a pass-fail problem")
    bounded = any(each.expectation.lower_bound for each in problem.submissions)
    if problem.limits.time_limit_ms is None and not bounded:
        findings.warn("submissions", "", "none bounds the time limit from below")


def _check_graders(problem: Problem, findings: Findings) -> None:
    for group in problem.data.all_groups():
        assert group.legacy is not None
        where = f"data/{group.name}".rstrip("/")
        if group.legacy.custom and problem.grader is None:
            findings.error("graders", "", f"missing, but {where} asks for custom grading")
        if group.legacy.custom and not problem.scoring:
            findings.warn(where, "", "custom grading has no meaning in a pass-fail problem")


def _check_groups(problem: Problem, findings: Findings) -> None:
    groups = list(problem.data.all_groups())
    names = {group.name for group in groups}
    for group in groups:
        where = f"data/{group.name}".rstrip("/")
        if group.name.count("/") == 1 and not any(True for _ in group.all_cases()):
            findings.warn(where, "", "a group without test cases")
        assert group.scoring is not None
        if group.scoring.static_validation and problem.static_validator is None:
            findings.error(where, "static_validation_score", "there is no static_validator/")
        for name in group.scoring.require_pass:
            if name not in names:
                findings.error(where, "require_pass", f"no group called {quoted(name)}")
            elif name.encode() >= group.name.encode() or name == "secret":
                findings.error(where, "require_pass", f"{quoted(name)} does not come earlier")
    if problem.scoring:
        for message in _score_problems(problem.data):
            findings.warn("data/secret", "", message)


def _score_problems(data: TestGroup) -> Iterator[str]:
    secret = data.find("secret")
    if secret is None or secret.scoring is None:
        return
    for group in (secret, *secret.groups):
        assert group.scoring is not None
        unbounded = group.scoring.max_score is None
        if unbounded and group.scoring.aggregation is Aggregation.PASS_FAIL:
            yield f"{group.name}: pass-fail aggregation needs a max_score"
        elif unbounded and group is not secret and secret.scoring.max_score is not None:
            yield f"{group.name}: max_score is unbounded, but that of secret is not"
    strict = secret.scoring.aggregation is Aggregation.PASS_FAIL
    for group in secret.groups if strict else ():
        assert group.scoring is not None
        if group.scoring.aggregation is not Aggregation.PASS_FAIL:
            yield f"{group.name}: must be pass-fail as secret is"


def _check_constants(problem: Problem, findings: Findings) -> None:
    programs = (*problem.output_validators, *problem.input_validators)
    for program in programs:
        for file in program.files:
            names = unknown(file.read(), problem.metadata.constants)
            if names:
                message = f"not among the constants: {_listed(names)}"
                findings.note(f"{program.location}/{file.name}", "", message)
