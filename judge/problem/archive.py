"""Unpacks a problem package from a zip file that a stranger may have made.

Every name is checked, sizes are counted while they are written, and symbolic links are made only
when they stay inside. What is refused raises `PackageError`; nothing is left behind then.
"""

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from judge import limits
from judge.errors import PackageError
from judge.problem.findings import quoted

SUFFIXES = (".zip", ".kpp")
# Of the other methods the library unpacks a whole piece at once, which may be gigabytes.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BLOCK_BYTES = 1 << 18
_LINK_BYTES_MAX = 4096
_NAME_CHARS_MAX = 200
# What the list of as many files as we take may have, with names of some length.
_LIST_BYTES_MAX = limits.PACKAGE_FILES_MAX * 256
# The record at the end, its comment, and the two records before it in a large archive.
_END_BYTES_MAX = 22 + 65_535 + 20 + 56
_FAILURES = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError)


def unpack(archive: Path) -> Path:
    """Unpack into a new temporary directory and return it; the caller removes it."""
    if not archive.is_file():
        raise PackageError(f"{archive.name}: not a file")
    target = Path(tempfile.mkdtemp(prefix="codebattle-package-"))
    try:
        _refuse_endless_list(archive)
        with zipfile.ZipFile(archive) as opened:
            _Unpacking(archive.name, opened, target).run()
    except _FAILURES as error:
        shutil.rmtree(target, ignore_errors=True)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PackageError(f"{archive.name}: not a readable zip file: {reason}") from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def glance(archive: Path) -> None:
    """Refuse at once what cannot be a package: no zip file, or one without a `problem.yaml`."""
    try:
        _refuse_endless_list(archive)
        with zipfile.ZipFile(archive) as opened:
            names = [PurePosixPath(name) for name in opened.namelist()]
    except _FAILURES as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PackageError(f"{archive.name}: not a readable zip file: {reason}") from error
    if not any(name.name == "problem.yaml" and len(name.parts) <= 2 for name in names):
        raise PackageError("problem.yaml: missing; this is no problem package")


def package_root(unpacked: Path) -> Path:
    """Return the directory that holds `problem.yaml`: the top, or the only one directly in it."""
    if (unpacked / "problem.yaml").exists():
        return unpacked
    inner = [path for path in sorted(unpacked.iterdir()) if (path / "problem.yaml").exists()]
    return inner[0] if len(inner) == 1 else unpacked


def _refuse_endless_list(archive: Path) -> None:
    """Refuse a list of files longer than any we take: reading it takes memory many times its size.

    Its length is in the record at the end of the archive; of a large archive in one before that.
    """
    with archive.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES_MAX))
        end = file.read()
    plain, large = end.rfind(b"PK\5\6"), end.rfind(b"PK\6\6")
    sizes = [int.from_bytes(end[plain + 12 : plain + 16], "little")] if plain >= 0 else []
    if large >= 0:
        sizes = [int.from_bytes(end[large + 40 : large + 48], "little")]
    if any(size > _LIST_BYTES_MAX for size in sizes):
        raise PackageError(f"{archive.name}: too many files; at most {limits.PACKAGE_FILES_MAX}")


class _Unpacking:
    def __init__(self, name: str, opened: zipfile.ZipFile, target: Path) -> None:
        self.name = name
        self.opened = opened
        self.target = target
        self.bytes_left = limits.PACKAGE_BYTES_MAX
        self.links: list[tuple[Path, str]] = []

    def run(self) -> None:
        entries = self.opened.infolist()
        if len(entries) > limits.PACKAGE_FILES_MAX:
            most = limits.PACKAGE_FILES_MAX
            raise PackageError(f"{self.name}: {len(entries)} files; at most {most}")
        for entry in entries:
            if not entry.filename.startswith("__MACOSX/"):
                self._take(entry)
        for path, to in self.links:
            self._link(path, to)
        # A later link may have changed where an earlier one leads.
        for path, _ in self.links:
            self._inside(path)

    def _take(self, entry: zipfile.ZipInfo) -> None:
        path = self._place(entry.filename)
        if entry.flag_bits & 0x1:
            raise self._error(entry.filename, "is encrypted")
        if entry.compress_type not in _METHODS:
            raise self._error(entry.filename, "is neither stored nor deflated")
        mode = entry.external_attr >> 16
        if entry.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            return
        if path.exists():
            raise self._error(entry.filename, "given twice, or both a file and a directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.opened.open(entry) as source:
            if stat.S_ISLNK(mode):
                self.links.append((path, os.fsdecode(source.read(_LINK_BYTES_MAX))))
            else:
                self._copy(source, path, entry.filename)
                path.chmod(0o755 if mode & 0o111 else 0o644)

    def _place(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        unsafe = name.startswith("/") or "\\" in name or "\0" in name or ".." in parts
        if unsafe or not parts or not name.isprintable() or max(map(len, parts)) > _NAME_CHARS_MAX:
            raise self._error(name, "unsafe file name")
        path = self.target.joinpath(*parts)
        for parent in (path, *path.parents):
            if parent == self.target:
                break
            if parent.is_file():
                raise self._error(name, "given twice, or both a file and a directory")
        return path

    def _copy(self, source: IO[bytes], path: Path, name: str) -> None:
        # The sizes in a zip file are claims; what is counted is what comes out.
        with path.open("xb") as target:
            while block := source.read(_BLOCK_BYTES):
                self.bytes_left -= len(block)
                if self.bytes_left < 0:
                    most = limits.PACKAGE_BYTES_MAX // limits.MIB
                    raise self._error(name, f"unpacks to more than {most} MiB altogether")
                target.write(block)

    def _link(self, path: Path, to: str) -> None:
        shown = str(path.relative_to(self.target))
        if not to or "\0" in to or path.exists() or path.is_symlink():
            raise self._error(shown, "an unusable symbolic link")
        path.symlink_to(to)
        # Links are made after all files, so nothing is ever written through one.
        self._inside(path)

    def _inside(self, path: Path) -> None:
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.target)):
            shown = str(path.relative_to(self.target))
            raise self._error(shown, "a symbolic link that leads out of the package")

    def _error(self, name: str, message: str) -> PackageError:
        return PackageError(f"{self.name}: {quoted(name)}: {message}")
