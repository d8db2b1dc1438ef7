"""Judgements on disk: what `judge --record` writes and `replay` reads, which may be anything."""

import base64
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge import limits
from judge.errors import UsageError
from judge.judging import Options
from judge.results import Judgement
from judge.submission import Submission

_BYTES_MAX = 64 * limits.MIB
_KINDS = {"package": str, "full": bool, "files": dict, "judgement": dict}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A judgement with all that is needed to repeat it."""

    package: Path
    full: bool
    submission: Submission
    judgement: Judgement

    @property
    def options(self) -> Options:
        """Return how it was judged."""
        return Options(full=self.full, cpu_ms=self.judgement.limits.cpu_ms)


def check_place(path: Path) -> None:
    """Raise `UsageError` unless a record can be written there: better now than after judging."""
    if path.is_dir():
        raise UsageError(f"{path}: cannot be written: Is a directory")
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".codebattle-")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    os.close(handle)
    Path(temporary).unlink()


def write(path: Path, record: Record) -> None:
    """Write a record whole or not at all."""
    files = record.submission.files
    content = {
        "package": str(record.package.resolve()),
        "full": record.full,
        "files": {name: base64.b64encode(data).decode() for name, data in files.items()},
        "judgement": record.judgement.to_json(),
    }
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".codebattle-")
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(json.dumps(content, indent=1) + "\n")
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def read(path: Path) -> Record:
    """Read a record; raises `UsageError` naming the key that does not fit."""
    try:
        return _record(path, _content(path))
    except RecursionError as error:
        raise UsageError(f"{path}: not a judgement record: nested too deeply") from error


def _content(path: Path) -> dict[str, Any]:
    try:
        # A device or a pipe would never end.
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: not a file")
        with path.open("rb") as reader:
            data = reader.read(_BYTES_MAX + 1)
        if len(data) > _BYTES_MAX:
            raise UsageError(f"{path}: larger than a record can be")
        content = json.loads(data)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: not a judgement record: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: not a judgement record: not an object")
    for key, kind in _KINDS.items():
        if not isinstance(content.get(key), kind):
            raise UsageError(f"{path}: {key}: missing or of the wrong kind")
    return content


def _record(path: Path, content: dict[str, Any]) -> Record:
    try:
        judgement = Judgement.from_json(content["judgement"])
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    if not 1 <= judgement.limits.cpu_ms <= limits.CPU_MS_MAX:
        raise UsageError(f"{path}: judgement: limits: cpu_ms: out of range")
    files = {}
    for name, data in content["files"].items():
        try:
            files[name] = base64.b64decode(data, validate=True)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{path}: files: {name}: not base64") from error
    submission = Submission(
        files=files, language=judgement.language, entry_point=judgement.entry_point
    )
    submission.validate()
    if submission.source_hash != judgement.source_hash:
        raise UsageError(f"{path}: files: they do not match source_hash")
    return Record(
        package=Path(content["package"]),
        full=content["full"],
        submission=submission,
        judgement=judgement,
    )
