"""Archives of packages that a stranger made: refused by lists and names, and nothing stays."""

import io
import zipfile
from pathlib import Path

import pytest

from judge import limits
from judge.errors import PackageError
from judge.problem import archive


def _zip(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name in names:
            made.writestr(zipfile.ZipInfo(name), b"")
    return held.getvalue()


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("a", "b", "a"), "given twice"),
        (("a", "a/b"), "given twice, or both a file and a directory|unsafe"),
        (("a/b", "a"), "given twice, or both a file and a directory"),
        (("a" * 201,), "unsafe file name"),
        (("a", "b", "c", "d"), "4 files; at most 3"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_and_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], says: str
) -> None:
    monkeypatch.setattr(limits, "PACKAGE_FILES_MAX", 3)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    given = tmp_path / "given.zip"
    given.write_bytes(_zip(*names))
    with pytest.raises(PackageError, match=says):
        archive.unpack(given)
    assert list(tmp_path.iterdir()) == [given]


@pytest.mark.parametrize("large", [False, True], ids=["plain", "large"])
def test_a_list_that_is_long_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, large: bool
) -> None:
    """Its length is what the last record says; of a large archive what the one before it says."""
    if large:
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
    made = bytearray(_zip("a", "b"))
    if large:
        place = made.rfind(b"PK\5\6") + 12
        made[place : place + 4] = bytes(4)
    given = tmp_path / "given.zip"
    given.write_bytes(made)
    monkeypatch.setattr(archive, "_LIST_BYTES_MAX", 50)
    for reads in (archive.unpack, archive.glance):
        with pytest.raises(PackageError, match="too many files"):
            reads(given)
