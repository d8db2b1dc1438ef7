"""The files of a package as its reader may see them.

Names the format forbids are left out, symbolic links are followed inside the package only, and
counts and depth are bounded. Nothing else in `judge.problem` lists directories.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from judge.errors import PackageError
from judge.problem.findings import Findings, quoted
from judge.problem.programs import SourceFile

ENTRIES_MAX = 200_000
DEPTH_MAX = 24

_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,254}")
# What a judgement may depend on: of test data these kinds of files, and directories.
_DATA = {"", ".in", ".ans", ".out", ".files", ".yaml"}
_JUDGED = {
    *("data", "graders", "include", "input_format_validators", "input_validators"),
    *("output_validator", "output_validators", "problem.yaml", "static_validator", "submissions"),
}
_SILENT = {".gitignore", ".gitkeep", ".gitattributes", ".DS_Store", ".git", ".keep"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or directory. `rel` is its path in the package, `path` where it really is."""

    name: str
    rel: str
    path: Path
    directory: bool
    size_bytes: int = 0
    executable: bool = False

    def source(self, name: str) -> SourceFile:
        """Return this file as a part of a program under another name."""
        return SourceFile(
            name=name, path=self.path, size_bytes=self.size_bytes, executable=self.executable
        )


class Tree:
    """Lists a package, each directory once."""

    def __init__(self, root: Path, findings: Findings) -> None:
        self.root = Path(os.path.realpath(root))
        self.findings = findings
        self._listed: dict[str, tuple[Entry, ...]] = {}
        self._count = 0

    def entries(self, rel: str = "", *, lenient: bool = False) -> tuple[Entry, ...]:
        """Return a directory's entries sorted by name; empty when there is no such directory.

        Names with characters the format forbids are left out unless `lenient`.
        """
        if rel not in self._listed:
            self._listed[rel] = tuple(self._scan(rel, lenient=lenient))
        return self._listed[rel]

    def get(self, rel: str) -> Entry | None:
        """Return the entry at a path, or None."""
        parent, _, name = rel.rpartition("/")
        if parent and self.get(parent) is None:
            return None
        return next((each for each in self.entries(parent) if each.name == name), None)

    def directory(self, rel: str) -> Entry | None:
        """Return the directory at a path, or None."""
        entry = self.get(rel)
        return entry if entry is not None and entry.directory else None

    def walk(self, rel: str, *, lenient: bool = False) -> Iterator[Entry]:
        """Yield all files below a directory, by path."""
        for entry in self.entries(rel, lenient=lenient):
            if entry.directory:
                yield from self.walk(entry.rel, lenient=lenient)
            else:
                yield entry

    def sources(self, rel: str, *, lenient: bool = False) -> tuple[SourceFile, ...]:
        """Return all files below a directory, named relative to it."""
        files = self.walk(rel, lenient=lenient)
        return tuple(entry.source(entry.rel[len(rel) + 1 :]) for entry in files)

    def dot_file(self, name: str, bytes_max: int) -> bytes | None:
        """Return the head of a file directly in the package whose name the format ignores."""
        path = Path(os.path.realpath(self.root / name))
        if not path.is_relative_to(self.root) or not path.is_file():
            return None
        with path.open("rb") as stream:
            return stream.read(bytes_max)

    def _scan(self, rel: str, *, lenient: bool) -> Iterator[Entry]:
        if rel.count("/") >= DEPTH_MAX:
            raise PackageError(f"{rel}: directories nested deeper than {DEPTH_MAX}")
        where = Path(os.path.realpath(self.root / rel))
        if not where.is_relative_to(self.root) or not where.is_dir():
            return
        with os.scandir(where) as found:
            listed = sorted(found, key=lambda each: os.fsencode(each.name))
        self._count += len(listed)
        if self._count > ENTRIES_MAX:
            raise PackageError(f"{rel or '.'}: more than {ENTRIES_MAX} files in the package")
        for each in listed:
            inside = f"{rel}/{each.name}" if rel else each.name
            if self._wanted(each.name, inside, lenient=lenient):
                # Only a link needs to be resolved: `where` is resolved already.
                linked = each.is_symlink()
                path = Path(os.path.realpath(each.path)) if linked else where / each.name
                entry = self._entry(each.name, inside, path)
                if entry is not None:
                    yield entry

    def _wanted(self, name: str, rel: str, *, lenient: bool) -> bool:
        if _NAME.fullmatch(name):
            return True
        if name.startswith("."):
            if name not in _SILENT and not name.startswith("._") and "/" in rel:
                self.findings.note(shown(rel), "", "a dot-file; ignored")
            return False
        if lenient and name.isprintable() and not name.startswith("-") and "\\" not in name:
            self.findings.warn(shown(rel), "", "the format forbids this name; kept")
            return True
        self.findings.warn(shown(rel), "", "the format forbids this name; ignored")
        return False

    def _entry(self, name: str, rel: str, path: Path) -> Entry | None:
        if not path.is_relative_to(self.root):
            if rel.startswith("data/") and _judged(rel):
                raise PackageError(f"{shown(rel)}: a symbolic link that leads out of the package")
            self._ignored(rel, "a symbolic link that leads out of the package; ignored")
            return None
        try:
            info = path.stat()
        except OSError:
            self._ignored(rel, "a symbolic link that leads nowhere; ignored")
            return None
        if stat.S_ISDIR(info.st_mode):
            return Entry(name=name, rel=rel, path=path, directory=True)
        if not stat.S_ISREG(info.st_mode):
            self._ignored(rel, "neither a file nor a directory; ignored")
            return None
        return Entry(
            name=name,
            rel=rel,
            path=path,
            directory=False,
            size_bytes=info.st_size,
            executable=bool(info.st_mode & 0o111),
        )

    def _ignored(self, rel: str, message: str) -> None:
        """Tell of an entry that is left out: an error only where judging could need it."""
        tell = self.findings.error if _judged(rel) else self.findings.warn
        tell(shown(rel), "", message)


def _judged(rel: str) -> bool:
    if rel.startswith("data/"):
        return PurePosixPath(rel).suffix in _DATA
    return rel.partition("/")[0] in _JUDGED


def shown(rel: str) -> str:
    """Return a path as a message may show it."""
    return rel if rel.isascii() and rel.isprintable() else quoted(rel)
