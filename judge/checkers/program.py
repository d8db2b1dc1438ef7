"""What a custom output validator said: exit codes and feedback files, read strictly.

42 accepts, 43 rejects, everything else is a judge error, and so is a validator that breaks its
own limits. All functions are pure; running the validator is somebody else's work. Feedback is
untrusted: the validator may be fooled by the output it read.
"""

import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from judge import limits
from judge.checkers.classify import Classified, signal_name
from judge.results import excerpt, parse_score, printable
from judge.sandbox.base import Cause, File, Outcome, PairOutcome, Role
from judge.verdicts import Verdict

ACCEPT = 42
REJECT = 43

_LIMITS_BROKEN = {
    Cause.CPU_LIMIT: "exceeded its CPU time limit",
    Cause.WALL_LIMIT: "exceeded its elapsed time limit",
    Cause.MEMORY_LIMIT: "exceeded its memory limit",
    Cause.OUTPUT_LIMIT: "exceeded its output limit",
    Cause.CANCELLED: "was cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatorRules:
    """What the package allows a validator to say.

    `scores` is for problems of type scoring, `sample` for a case whose score never counts.
    `feedback_dir` is the prefix of feedback files among those collected.
    """

    legacy: bool = False
    scores: bool = False
    sample: bool = False
    multi_pass: bool = False
    feedback_dir: str = "feedback/"
    output_bytes_max: int = limits.VALIDATION_OUTPUT_BYTES_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """A validator's conclusion: AC, WA or JE; `next_pass` is the input of the next pass."""

    verdict: Verdict
    reason: str = ""
    judge_message: str = ""
    team_message: str = ""
    score: Fraction | None = None
    multiplier: Fraction | None = None
    next_pass: File | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """The conclusion about a submission and a validator that talked to each other.

    `validation` is what the validator said, for its messages; only `verdict` counts.
    """

    verdict: Verdict
    validation: Validation
    reason: str = ""


def read_validation(outcome: Outcome, rules: ValidatorRules) -> Validation:
    """Interpret a validator that has ended."""
    files = _feedback(outcome.files, rules.feedback_dir)
    judge_message = printable(_text(files, "judgemessage.txt"))
    team_message = printable(_text(files, "teammessage.txt"))
    last_words = (judge_message or printable(outcome.stderr)).strip().splitlines()
    fault = _fault(outcome, rules, excerpt(last_words[-1]) if last_words else "")
    accepted = outcome.exit_code == ACCEPT
    next_pass = files.get("nextpass.in")
    warnings: list[str] = []
    score = multiplier = None
    if not fault and next_pass is not None:
        if not rules.multi_pass:
            warnings.append("nextpass.in ignored: the problem is not multi-pass")
            next_pass = None
        elif not accepted:
            fault = "output validator rejected and wrote nextpass.in"
    if not fault:
        try:
            score, multiplier = _scores(files, rules, warnings, accepted=accepted)
        except _BadFeedbackError as error:
            fault = str(error)
    if fault:
        return Validation(
            verdict=Verdict.JE,
            reason=fault,
            judge_message=judge_message or printable(outcome.stderr),
            team_message=team_message,
            warnings=tuple(warnings),
        )
    return Validation(
        verdict=Verdict.AC if accepted else Verdict.WA,
        reason="" if accepted else "the output validator rejected",
        judge_message=judge_message,
        team_message=team_message,
        score=score,
        multiplier=multiplier,
        next_pass=next_pass,
        warnings=tuple(warnings),
    )


class _BadFeedbackError(Exception):
    """Feedback that makes the validator's opinion worthless; the text says which."""


def _fault(outcome: Outcome, rules: ValidatorRules, detail: str) -> str:
    """Say why a validator cannot be believed, or nothing; `detail` is its own last word."""
    if outcome.cause in _LIMITS_BROKEN:
        return f"output validator {_LIMITS_BROKEN[outcome.cause]}"
    if outcome.cause is Cause.EXEC_FAILED:
        return f"output validator cannot be started: {excerpt(outcome.message)}"
    if outcome.cause is Cause.SIGNALLED:
        return f"output validator was killed by {signal_name(outcome.signal)}"
    if outcome.exit_code not in {ACCEPT, REJECT}:
        fault = f"output validator exited with code {outcome.exit_code}, not 42 or 43"
        return f"{fault}: {detail}" if detail else fault
    if outcome.output_bytes + outcome.stderr_bytes > rules.output_bytes_max:
        return "output validator exceeded its output limit"
    return ""


def _scores(
    files: dict[str, File], rules: ValidatorRules, warnings: list[str], *, accepted: bool
) -> tuple[Fraction | None, Fraction | None]:
    """Read score.txt and score_multiplier.txt as far as they may be there."""
    names = [name for name in ("score.txt", "score_multiplier.txt") if name in files]
    if not names:
        return None, None
    if not rules.scores:
        warnings.append(f"{names[0]} ignored: the problem is not of type scoring")
        return None, None
    if rules.legacy:
        return _legacy_score(files, warnings, accepted=accepted), None
    if rules.sample:
        return None, None
    if len(names) == 2:
        raise _BadFeedbackError("output validator wrote both score.txt and score_multiplier.txt")
    if not accepted:
        raise _BadFeedbackError(f"output validator rejected and wrote {names[0]}")
    value = parse_score(_text(files, names[0]))
    if value is None or value < 0:
        raise _BadFeedbackError(f"{names[0]} does not hold one non-negative number")
    if names[0] == "score.txt":
        return value, None
    if value > 1:
        raise _BadFeedbackError("score_multiplier.txt is more than 1")
    return None, value


def _legacy_score(
    files: dict[str, File], warnings: list[str], *, accepted: bool
) -> Fraction | None:
    """Read score.txt; with a rejection it is only a warning, for many packages do that."""
    if "score.txt" not in files:
        return None
    if not accepted:
        warnings.append("score.txt ignored: the output validator rejected")
        return None
    value = parse_score(_text(files, "score.txt"))
    if value is None:
        raise _BadFeedbackError("score.txt does not hold one number")
    return value


def combine(validations: Sequence[Validation]) -> Validation:
    """Join several legacy validators: all must accept; a judge error of any is one of all.

    The score is that of the last validator that gave one; messages are joined in order.
    """
    assert validations
    if len(validations) == 1:
        return validations[0]
    worst = next(
        (
            each
            for verdict in (Verdict.JE, Verdict.WA)
            for each in validations
            if each.verdict is verdict
        ),
        validations[-1],
    )
    scores = [each.score for each in validations if each.score is not None]
    passes = [each.next_pass for each in validations if each.next_pass is not None]
    accepted = worst.verdict is Verdict.AC
    return Validation(
        verdict=worst.verdict,
        reason=worst.reason,
        judge_message=_joined(each.judge_message for each in validations),
        team_message=_joined(each.team_message for each in validations),
        score=scores[-1] if scores and accepted else None,
        next_pass=passes[-1] if passes and accepted else None,
        warnings=tuple(text for each in validations for text in each.warnings),
    )


def read_pair(pair: PairOutcome, rules: ValidatorRules, submission: Classified) -> PairResult:
    """Conclude about an interaction; `submission` is `classify(pair.submission)`.

    A validator that rejects first wins over whatever became of the submission afterwards. A
    validator that breaks is a judge error, except where the submission had failed before it, or
    where it only fell with the submission: its pipe broke, or we ended it. Otherwise the
    submission's own failure counts before the validator's opinion, so that a crash after a
    correct dialogue is still a crash.
    The validator's elapsed time limit must be the longer one: that both wait for each other is
    the submission's fault only when its own limit says so.
    """
    validation = read_validation(pair.validator, rules)
    validator_first = pair.first is Role.VALIDATE
    cancelled = pair.submission.cause is Cause.CANCELLED
    if submission.verdict is Verdict.JE and not cancelled:
        return PairResult(verdict=Verdict.JE, reason=submission.reason, validation=validation)
    verdict, reason = validation.verdict, validation.reason
    if verdict is Verdict.JE:
        if not validator_first and submission.verdict is not None:
            # The submission failed first: whatever its silence did to the validator is its fault.
            verdict, reason = submission.verdict, submission.reason
        elif not validator_first and _fell_with_submission(pair.validator):
            verdict, reason = Verdict.WA, "the submission ended before the interaction did"
    elif submission.verdict is not None and not (
        cancelled or (verdict is Verdict.WA and validator_first)
    ):
        verdict, reason = submission.verdict, submission.reason
    return PairResult(verdict=verdict, reason=reason, validation=validation)


def _fell_with_submission(validator: Outcome) -> bool:
    """Tell whether a validator that outlived the submission ended only because of that."""
    if validator.cause is Cause.CANCELLED:
        return True
    return validator.cause is Cause.SIGNALLED and validator.signal == signal.SIGPIPE


def _feedback(files: Iterable[File], feedback_dir: str) -> dict[str, File]:
    prefix = feedback_dir.rstrip("/") + "/"
    return {file.path.removeprefix(prefix): file for file in files if file.path.startswith(prefix)}


def _text(files: dict[str, File], name: str) -> str:
    """Return the beginning of a feedback file as text, or nothing."""
    file = files.get(name)
    if file is None:
        return ""
    if isinstance(file.data, Path):
        with file.data.open("rb") as reader:
            data = reader.read(limits.FEEDBACK_BYTES_MAX)
    else:
        data = file.data[: limits.FEEDBACK_BYTES_MAX]
    return data.decode("utf-8", "backslashreplace")


def _joined(texts: Iterable[str]) -> str:
    return printable("\n".join(text.rstrip("\n") for text in texts if text))
