"""A submission: the files somebody wants judged, in one language, and what makes it acceptable."""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from judge import limits
from judge.errors import SourceError

NAME_BYTES_MAX = 255
PATH_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Source files by relative name, the language id, and the main file or class if given."""

    files: Mapping[str, bytes]
    language: str
    entry_point: str | None = None

    @property
    def source_bytes(self) -> int:
        """Return the size of all files together."""
        return sum(map(len, self.files.values()))

    @property
    def source_hash(self) -> str:
        """Return a SHA-256 over language, entry point, names and contents, in a fixed order."""
        digest = hashlib.sha256()
        parts = [self.language.encode(), (self.entry_point or "").encode()]
        for name in sorted(self.files):
            parts += [name.encode(), self.files[name]]
        for part in parts:
            # Lengths keep ("ab", "c") and ("a", "bc") apart.
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
        return digest.hexdigest()

    def validate(self, *, source_bytes_max: int = limits.SOURCE_BYTES_MAX) -> None:
        """Raise `SourceError` unless names are safe and count and size are within bounds."""
        if not self.files:
            raise SourceError("no source file given")
        if len(self.files) > limits.SOURCE_FILES_MAX:
            raise SourceError(f"{len(self.files)} files; at most {limits.SOURCE_FILES_MAX}")
        for name in self.files:
            check_name(name)
        for name in self.files:
            for parent in PurePosixPath(name).parents:
                if str(parent) in self.files:
                    raise SourceError(f"{_shown(str(parent))}: both a file and a directory")
        if self.entry_point is not None:
            check_name(self.entry_point)
        if self.source_bytes > source_bytes_max:
            raise SourceError(f"source is {self.source_bytes} bytes; at most {source_bytes_max}")


def check_name(name: str) -> None:
    """Raise `SourceError` unless `name` is a relative path that no tool can misread.

    Blanks and odd letters are fine; separators, options, parents and control characters are not.
    """
    shown = _shown(name)
    if not name:
        raise SourceError("empty file name")
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in name):
        raise SourceError(f"{shown}: control characters in a file name")
    if "\\" in name or len(name.encode()) > PATH_BYTES_MAX:
        raise SourceError(f"{shown}: file name has a backslash or is too long")
    for part in name.split("/"):
        if part in {"", ".", ".."}:
            raise SourceError(f"{shown}: a file name must be a plain relative path")
        if part.startswith("-"):
            raise SourceError(f"{shown}: a file name must not begin with a dash")
        if len(part.encode()) > NAME_BYTES_MAX:
            raise SourceError(f"{shown}: file name is too long")


def _shown(name: str) -> str:
    return ascii(name[:80])
