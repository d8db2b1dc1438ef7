"""What a reader has to say about a package: nothing in it is passed over silently.

A finding is not an exception: the package can still be judged. What makes right judging
impossible raises `judge.errors.PackageError` instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from judge.results import excerpt

FINDINGS_MAX = 1000


class Severity(StrEnum):
    """How much a finding matters: ERROR breaks a promise of the format that judging needs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark: the file inside the package, the key in it ("" for the whole file), the text."""

    severity: Severity
    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.key, self.message) if part)


class Findings:
    """Collects findings while a package is read; the same remark is kept once."""

    def __init__(self) -> None:
        self._kept: dict[Finding, None] = {}
        self._left_out = 0

    def __iter__(self) -> Iterator[Finding]:
        yield from self._kept
        if self._left_out:
            message = f"{self._left_out} more findings are not listed"
            yield Finding(severity=Severity.NOTE, file="", key="", message=message)

    def error(self, file: str, key: str, message: str) -> None:
        """Add an error."""
        self._add(Severity.ERROR, file, key, message)

    def warn(self, file: str, key: str, message: str) -> None:
        """Add a warning."""
        self._add(Severity.WARNING, file, key, message)

    def note(self, file: str, key: str, message: str) -> None:
        """Add a remark that asks for nothing."""
        self._add(Severity.NOTE, file, key, message)

    def _add(self, severity: Severity, file: str, key: str, message: str) -> None:
        finding = Finding(severity=severity, file=file, key=key, message=message)
        if len(self._kept) < FINDINGS_MAX or severity is Severity.ERROR:
            self._kept.setdefault(finding)
        else:
            self._left_out += 1


def quoted(text: str) -> str:
    """Return a name or value from a package as a message may show it: short and on one line."""
    return f"'{excerpt(text)}'"
