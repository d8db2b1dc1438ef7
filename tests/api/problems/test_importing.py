"""Importing packages: versions, what is stored, and what is refused."""

import shutil
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.db.models import CodeProblemVersion, TestCase, TestGroup
from api.errors import InvalidError
from api.problems import packing
from api.problems.cache import PackageCache
from api.problems.service import Imported
from api.wiring import Parts
from judge.judging import data_hash
from judge.problem import load
from tests.api.conftest import PROBLEMS, imported


async def test_a_package_becomes_rows_and_a_blob(parts: Parts, hello: Imported) -> None:
    """Version, groups and cases are there, and the archive makes the same problem again."""
    async with parts.sessions() as session:
        version = await session.get_one(CodeProblemVersion, hello.version_id)
        cases = list(await session.scalars(select(TestCase).order_by(TestCase.position)))
        groups = set(await session.scalars(select(TestGroup.name)))
    original = load(PROBLEMS / "hello")
    cache = PackageCache(parts.settings.cache_dir, parts.blobs, bytes_max=1 << 30)
    unpacked = await cache.problem(version.package_sha256, "hello")

    assert version.cpu_ms == 2000
    assert version.memory_bytes == 512 << 20
    assert [case.name for case in cases] == [case.name for case in original.cases()]
    assert {"", "sample", "secret"} <= groups
    assert data_hash(unpacked) == data_hash(original) == version.data_hash
    assert len(version.samples) == 2


async def test_an_import_without_a_change_makes_no_version(parts: Parts, hello: Imported) -> None:
    """The archive is canonical: the same files are the same version."""
    again = await imported(parts, PROBLEMS / "hello")

    assert not again.created
    assert again.version_id == hello.version_id


async def test_an_edit_makes_a_version(parts: Parts, hello: Imported, tmp_path: Path) -> None:
    """The problem stays, its current version moves on, the old one is as it was."""
    edited = tmp_path / "hello"
    shutil.copytree(PROBLEMS / "hello", edited)
    (edited / "data/secret/99-new.in").write_text("Zoe\n")
    (edited / "data/secret/99-new.ans").write_text("Welcome to the arena, Zoe!\n")
    made = await imported(parts, edited)
    async with parts.sessions() as session:
        rows = await session.execute(
            select(TestCase.version_id, func.count()).group_by(TestCase.version_id)
        )
        counts = {row[0]: row[1] for row in rows}

    assert made.problem_id == hello.problem_id
    assert made.number == 2
    assert counts[made.version_id] == counts[hello.version_id] + 1


async def test_archives_are_canonical(tmp_path: Path) -> None:
    """Times and the order of a directory leave no trace in the archive."""
    copy = tmp_path / "copy"
    shutil.copytree(PROBLEMS / "hello", copy, copy_function=shutil.copyfile)
    for path in copy.rglob("*"):
        if path.is_file():
            path.chmod((PROBLEMS / "hello" / path.relative_to(copy)).stat().st_mode & 0o777)
    packing.pack(PROBLEMS / "hello", tmp_path / "a.zip")
    packing.pack(copy, tmp_path / "b.zip")

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


async def test_a_link_out_of_a_package_is_refused(parts: Parts, tmp_path: Path) -> None:
    """An archive takes nothing along that is not in the package."""
    package = tmp_path / "hello"
    shutil.copytree(PROBLEMS / "hello", package)
    (package / "attachments").mkdir()
    (package / "attachments" / "x").symlink_to("/etc/passwd")

    with pytest.raises(InvalidError):
        await imported(parts, package)


async def test_a_broken_package_stores_nothing(parts: Parts, tmp_path: Path) -> None:
    """It is refused with what is wrong."""
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("problem.yaml", "problem_format_version: 2025-09\nname: [")

    with pytest.raises(InvalidError):
        await imported(parts, broken)
    async with parts.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(CodeProblemVersion)) == 0
