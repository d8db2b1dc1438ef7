"""What custom validators say, alone, several together, and in a dialogue."""

import signal
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from judge.checkers.classify import classify
from judge.checkers.program import (
    PairResult,
    Validation,
    ValidatorRules,
    combine,
    read_pair,
    read_validation,
)
from judge.sandbox.base import Cause, File, Outcome, PairOutcome, Role
from judge.verdicts import Verdict

PLAIN = ValidatorRules()
SCORING = ValidatorRules(scores=True)
LEGACY = ValidatorRules(scores=True, legacy=True)
PASSES = ValidatorRules(multi_pass=True)


def _exit(code: int, **feedback: str | bytes) -> Outcome:
    """Build a validator's end; `score_txt="1"` is the feedback file score.txt."""
    files = tuple(
        File(
            path="feedback/" + ".".join(name.rsplit("_", 1)),
            data=text.encode() if isinstance(text, str) else text,
        )
        for name, text in feedback.items()
    )
    return Outcome(cause=Cause.EXITED, exit_code=code, files=files)


def test_accept_and_reject() -> None:
    """42 and 43, with the messages that were left."""
    rejected = read_validation(
        _exit(43, judgemessage_txt="off by one", teammessage_txt="hm"), PLAIN
    )

    assert read_validation(_exit(42), PLAIN).verdict is Verdict.AC
    assert rejected.verdict is Verdict.WA
    assert rejected.judge_message == "off by one"
    assert rejected.team_message == "hm"


@pytest.mark.parametrize(
    "outcome",
    [
        _exit(0),
        _exit(1),
        _exit(41),
        Outcome(cause=Cause.SIGNALLED, signal=signal.SIGSEGV),
        Outcome(cause=Cause.CPU_LIMIT),
        Outcome(cause=Cause.WALL_LIMIT),
        Outcome(cause=Cause.MEMORY_LIMIT, exit_code=42),
        Outcome(cause=Cause.OUTPUT_LIMIT),
        Outcome(cause=Cause.CANCELLED),
        Outcome(cause=Cause.EXEC_FAILED, message="gone"),
        Outcome(cause=Cause.EXITED, exit_code=42, output_bytes=9 * 1024 * 1024),
    ],
)
def test_everything_else_is_our_failure(outcome: Outcome) -> None:
    """Other codes, crashes and broken limits are judge errors with a reason."""
    validation = read_validation(outcome, PLAIN)

    assert validation.verdict is Verdict.JE
    assert validation.reason.startswith("output validator")


def test_a_crashed_validators_last_words_are_kept() -> None:
    """Without a judge message the judge gets its standard error."""
    outcome = replace(_exit(1), stderr=b"Traceback \x1b[1m")

    assert read_validation(outcome, PLAIN).judge_message == "Traceback \\x1b[1m"


def test_feedback_is_bounded_and_harmless(tmp_path: Path) -> None:
    """Megabytes, escapes and bytes that are no text do no harm, from memory or from a file."""
    path = tmp_path / "judgemessage"
    path.write_bytes(b"\xff\x1b]0;x\x07" + b"a" * 5_000_000)
    outcome = replace(_exit(43), files=(File(path="feedback/judgemessage.txt", data=path),))

    message = read_validation(outcome, PLAIN).judge_message

    assert message.startswith("\\xff\\x1b]0;x\\x07")
    assert len(message) < 5000


def test_other_files_mean_nothing() -> None:
    """Only the feedback directory counts."""
    outcome = replace(_exit(42), files=(File(path="score.txt", data=b"5"),))

    assert read_validation(outcome, SCORING).score is None


@pytest.mark.parametrize("rules", [SCORING, LEGACY])
@pytest.mark.parametrize(
    ("text", "score"),
    [("5", "5"), ("74.42\n", "74.42"), (" 1e2 ", "100"), ("0", "0"), (".5", "0.5")],
)
def test_scores(rules: ValidatorRules, text: str, score: str) -> None:
    """One number, blanks around it allowed, kept exactly."""
    assert read_validation(_exit(42, score_txt=text), rules).score == Fraction(score)


@pytest.mark.parametrize("rules", [SCORING, LEGACY])
@pytest.mark.parametrize("text", ["", "five", "1 2", "nan", "inf", "1_0", "0x10", "1e999", "1,5"])
def test_bad_scores(rules: ValidatorRules, text: str) -> None:
    """Anything else in score.txt is a judge error."""
    assert read_validation(_exit(42, score_txt=text), rules).verdict is Verdict.JE


def test_scores_where_none_are_allowed() -> None:
    """In a pass-fail problem they are ignored with a warning."""
    validation = read_validation(_exit(42, score_txt="5"), PLAIN)

    assert validation.verdict is Verdict.AC
    assert validation.score is None
    assert len(validation.warnings) == 1


def test_negative_scores_are_legacy() -> None:
    """2025-09 scores begin at zero."""
    assert read_validation(_exit(42, score_txt="-3"), LEGACY).score == -3
    assert read_validation(_exit(42, score_txt="-3"), SCORING).verdict is Verdict.JE


def test_a_score_with_a_rejection() -> None:
    """Legacy packages do that and mean wrong answer; 2025-09 forbids it."""
    legacy = read_validation(_exit(43, score_txt="3"), LEGACY)

    assert legacy.verdict is Verdict.WA
    assert legacy.score is None
    assert len(legacy.warnings) == 1
    assert read_validation(_exit(43, score_txt="3"), SCORING).verdict is Verdict.JE
    sample = replace(SCORING, sample=True)
    assert read_validation(_exit(43, score_txt="3"), sample).verdict is Verdict.WA


@pytest.mark.parametrize(("text", "ok"), [("0", 1), ("1", 1), ("0.25", 1), ("1.01", 0), ("-1", 0)])
def test_multipliers(text: str, ok: int) -> None:
    """From 0 to 1, and not beside a score."""
    validation = read_validation(_exit(42, score_multiplier_txt=text), SCORING)
    both = _exit(42, score_multiplier_txt=text, score_txt="1")

    assert (validation.multiplier == Fraction(text)) == bool(ok)
    assert (validation.verdict is Verdict.AC) == bool(ok)
    assert read_validation(both, SCORING).verdict is Verdict.JE


def test_next_pass() -> None:
    """Only with 42 and only in a multi-pass problem."""
    again = read_validation(_exit(42, nextpass_in="7\n"), PASSES)

    assert again.next_pass is not None
    assert again.next_pass.data == b"7\n"
    assert read_validation(_exit(42), PASSES).next_pass is None
    assert read_validation(_exit(43, nextpass_in="7\n"), PASSES).verdict is Verdict.JE
    assert read_validation(_exit(42, nextpass_in="7\n"), PLAIN).next_pass is None


def test_all_legacy_validators_must_accept() -> None:
    """One rejection rejects, one judge error is one of all; messages are joined."""
    accept = Validation(verdict=Verdict.AC, judge_message="fine\n", score=Fraction(3))
    reject = Validation(verdict=Verdict.WA, judge_message="bad", reason="no")
    broken = Validation(verdict=Verdict.JE, reason="crash")

    assert combine([accept, accept]).score == 3
    assert combine([accept, reject]).verdict is Verdict.WA
    assert combine([accept, reject]).judge_message == "fine\nbad"
    assert combine([accept, reject]).score is None
    assert combine([reject, broken, accept]).verdict is Verdict.JE


OK = Outcome(cause=Cause.EXITED, exit_code=0)
CRASH = Outcome(cause=Cause.EXITED, exit_code=1)
PIPE = Outcome(cause=Cause.SIGNALLED, signal=signal.SIGPIPE)
SLOW = Outcome(cause=Cause.CPU_LIMIT)
STUCK = Outcome(cause=Cause.WALL_LIMIT)
LARGE = Outcome(cause=Cause.MEMORY_LIMIT)
ENDED = Outcome(cause=Cause.CANCELLED)
FAILED = Outcome(cause=Cause.EXEC_FAILED)
AC, WA, TLE, RTE, MLE, JE = (
    Verdict.AC,
    Verdict.WA,
    Verdict.TLE,
    Verdict.RTE,
    Verdict.MLE,
    Verdict.JE,
)


def _pair(submission: Outcome, validator: Outcome, first: Role) -> PairResult:
    pair = PairOutcome(submission=submission, validator=validator, first=first)
    return read_pair(pair, PLAIN, classify(submission))


@pytest.mark.parametrize(
    ("submission", "validator", "first", "verdict"),
    [
        (OK, _exit(42), Role.RUN, AC),
        (OK, _exit(42), Role.VALIDATE, AC),
        (OK, _exit(43), Role.RUN, WA),
        (OK, _exit(43), Role.VALIDATE, WA),
        # The validator rejected first: what became of the submission then does not matter.
        (PIPE, _exit(43), Role.VALIDATE, WA),
        (CRASH, _exit(43), Role.VALIDATE, WA),
        (SLOW, _exit(43), Role.VALIDATE, WA),
        (ENDED, _exit(43), Role.VALIDATE, WA),
        # The submission failed first, and the validator noticed.
        (CRASH, _exit(43), Role.RUN, RTE),
        (SLOW, _exit(43), Role.RUN, TLE),
        (STUCK, _exit(43), Role.RUN, TLE),
        (LARGE, _exit(43), Role.RUN, MLE),
        # A correct dialogue and a failure after it.
        (CRASH, _exit(42), Role.VALIDATE, RTE),
        (PIPE, _exit(42), Role.VALIDATE, RTE),
        (SLOW, _exit(42), Role.VALIDATE, TLE),
        (STUCK, _exit(42), Role.VALIDATE, TLE),
        (CRASH, _exit(42), Role.RUN, RTE),
        # The validator broke.
        (OK, _exit(1), Role.RUN, JE),
        (OK, _exit(0), Role.VALIDATE, JE),
        (ENDED, _exit(1), Role.VALIDATE, JE),
        (CRASH, _exit(1), Role.VALIDATE, JE),
        (STUCK, STUCK, Role.VALIDATE, JE),
        (OK, STUCK, Role.RUN, JE),
        (ENDED, SLOW, Role.VALIDATE, JE),
        # The submission failed first: the validator had nothing left to judge.
        (CRASH, _exit(1), Role.RUN, RTE),
        (STUCK, STUCK, Role.RUN, TLE),
        # It fell only because the submission was gone.
        (OK, PIPE, Role.RUN, WA),
        (CRASH, PIPE, Role.RUN, RTE),
        (SLOW, ENDED, Role.RUN, TLE),
        (ENDED, PIPE, Role.VALIDATE, JE),
        # We failed.
        (FAILED, _exit(43), Role.RUN, JE),
        (ENDED, ENDED, Role.RUN, JE),
        (ENDED, ENDED, Role.VALIDATE, JE),
    ],
)
def test_pairs(submission: Outcome, validator: Outcome, first: Role, verdict: Verdict) -> None:
    """Who ended first, and how, decides whose failure it is."""
    result = _pair(submission, validator, first)

    assert verdict == result.verdict, result.reason
    assert bool(result.reason) == (verdict is not AC)


def test_a_judge_error_tells_the_validator_s_last_words() -> None:
    """Whoever wrote the validator needs no second run to learn what is wrong."""
    broken = replace(_exit(1), stderr=b"Traceback:\nValueError: no such mode\n")
    found = read_validation(broken, PLAIN)

    assert found.verdict is Verdict.JE
    assert found.reason == (
        "output validator exited with code 1, not 42 or 43: ValueError: no such mode"
    )
