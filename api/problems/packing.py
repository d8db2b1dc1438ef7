"""The canonical archive of a package: the same files always make the same bytes.

Names sorted, times fixed, links replaced by what they point to. That makes the archive's SHA-256
the identity of a version.
"""

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from judge import limits
from judge.errors import PackageError

_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES = 1 << 20
_LEFT_OUT = frozenset({".git", ".hg", ".svn", "__pycache__", ".DS_Store", "Thumbs.db"})


def pack(root: Path, target: Path) -> None:
    """Write a package directory as a canonical zip file; raises `PackageError`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in files(root):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            executable = path.stat().st_mode & 0o111
            entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as out:
                while chunk := source.read(_CHUNK_BYTES):
                    out.write(chunk)


def files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield a package's files by their names in it, sorted; raises `PackageError`."""
    top = root.resolve()
    found = sorted(_walk(top, top, 0), key=lambda path: path.relative_to(top).as_posix())
    if len(found) > limits.PACKAGE_FILES_MAX:
        raise PackageError(f"{len(found)} files; at most {limits.PACKAGE_FILES_MAX}")
    total = sum(path.stat().st_size for path in found)
    if total > limits.PACKAGE_BYTES_MAX:
        raise PackageError(f"{total} bytes; at most {limits.PACKAGE_BYTES_MAX}")
    for path in found:
        yield path.relative_to(top).as_posix(), path


def _walk(directory: Path, top: Path, depth: int) -> Iterator[Path]:
    if depth > 32:
        raise PackageError(f"{directory.relative_to(top)}: too deep")
    for path in directory.iterdir():
        if path.name in _LEFT_OUT:
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(top):
            raise PackageError(f"{path.relative_to(top)}: a link that leads out of the package")
        if path.is_dir():
            yield from _walk(path, top, depth + 1)
        elif path.is_file():
            yield path
