"""What the owner of a trial is told: nothing of data that people are not given."""

import base64
from contextlib import suppress
from typing import Any

from api.redaction.policy import DIFFERENCE, ms, picked
from judge.trying import Captured, Trial, TrialRun


def trial(tried: Trial) -> dict[str, Any]:
    """Return what the owner of a trial is told of it, as a job's result keeps it.

    What was printed about an input that people are not given stays here, as does whatever may
    tell of an answer that they are not.
    """
    return {
        "compiled": tried.compiled,
        "reason": tried.reason,
        "compile_log": tried.compile_log,
        "total": tried.total,
        "runs": [_trial_run(each) for each in tried.runs],
    }


def _trial_run(tried: TrialRun) -> dict[str, Any]:
    shown = {
        "name": tried.name,
        "sample": tried.sample,
        "verdict": tried.verdict.value if tried.verdict is not None else None,
        "reason": tried.reason,
        "exit_code": tried.exit_code,
        "signal": tried.signal,
        "cpu_ms": ms(tried.cpu_us),
        "memory_bytes": tried.memory_bytes,
        "withheld": not (tried.input_shown and tried.answer_shown),
    }
    if tried.input_shown:
        shown["stdout"] = _content(tried.stdout)
        shown["stderr"] = _content(tried.stderr)
    if tried.input_shown and tried.answer_shown:
        shown["message"] = tried.team_message
        shown["difference"] = picked(tried.difference, DIFFERENCE)
    return {key: each for key, each in shown.items() if each not in (None, "")}


def _content(captured: Captured | None) -> dict[str, Any] | None:
    """Return bytes as JSON can hold them: as text where they are some."""
    if captured is None:
        return None
    size = {"bytes": captured.size, "cut": captured.cut}
    text = None
    # A cut may go through a character; what was there before it is still text.
    for spare in range(4 if captured.cut else 1):
        with suppress(UnicodeDecodeError):
            text = captured.data[: len(captured.data) - spare].decode()
            break
    if text is None or "\0" in text:
        return {"base64": base64.b64encode(captured.data).decode(), **size}
    return {"text": text, **size}
