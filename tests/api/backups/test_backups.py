"""Backups: whole or not there, put back as they were, and never over something by accident."""

import json
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from api.auth import CurrentUser, Role
from api.backups import restoring, taking
from api.backups.checking import check
from api.backups.drilling import drill
from api.backups.manifest import DUMP, NAME, Table, blob_path, read
from api.backups.programs import environment, programs
from api.backups.restoring import restore
from api.backups.taking import take
from api.blobs import BlobMissingError, LocalBlobs
from api.blobs.s3 import S3Blobs
from api.db import migrating
from api.problems.service import Imported
from api.submissions.desk import Desk
from api.submissions.schemas import NewSubmission
from api.wiring import Parts
from judge.doctor import Level
from judge.errors import EngineError, UsageError
from tests.api.blobs.conftest import Bucket, bucket, s3_client, s3_server

pytestmark = pytest.mark.slow

__all__ = ["bucket", "s3_client", "s3_server"]


@pytest.fixture
async def filled(parts: Parts, hello: Imported) -> Parts:
    """Return a service with a problem and a submission."""
    new = NewSubmission(problem="hello", language="python3", source="print('ü\\t\\\\')")
    player = CurrentUser(id=uuid4(), roles=frozenset({Role.PLAYER}))
    async with aclosing(Desk(parts)) as desk:
        await desk.take(player, new, key=None, request_id="test", peer="")
    return parts


def _url(parts: Parts) -> str:
    return parts.settings.database_url.get_secret_value()


async def _change(parts: Parts, statement: str) -> None:
    async with parts.sessions() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(statement))
        await session.commit()


async def test_a_backup_comes_back_as_it_was(
    filled: Parts, empty_database: str, tmp_path: Path
) -> None:
    """Rows, contents, triggers, the fencing sequence and the blobs; the check finds nothing."""
    taken = await take(_url(filled), filled.blobs, tmp_path / "backups", with_blobs=True)
    blobs = LocalBlobs(tmp_path / "restored")
    made = await restore(empty_database, blobs, taken.directory)

    assert made.pending == ()
    assert made.manifest.tables["code_submissions"].rows == 1
    assert taken.directory.stat().st_mode & 0o077 == 0
    assert await migrating.differences(empty_database) == []
    findings = [each async for each in check(empty_database, blobs)]
    assert {each.level for each in findings} == {Level.OK}, findings


async def test_backups_that_are_kept_share_blobs_and_the_oldest_goes(
    filled: Parts, tmp_path: Path
) -> None:
    """`keep` counts whole backups only, and removes them only once the new one is there."""
    made = [
        (
            await take(_url(filled), filled.blobs, tmp_path / "kept", with_blobs=True, keep=2)
        ).directory
        for _ in range(3)
    ]
    (sha256,) = read(made[2]).blobs
    links = blob_path(made[2], sha256).stat().st_nlink

    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
        each.name for each in made[1:]
    ]
    assert links == 2


async def test_what_fails_leaves_nothing_and_removes_nothing(filled: Parts, tmp_path: Path) -> None:
    first = await take(_url(filled), filled.blobs, tmp_path / "kept", with_blobs=True, keep=1)
    (sha256,) = first.manifest.blobs
    await filled.blobs.delete(sha256)
    blob_path(first.directory, sha256).write_bytes(b"damaged")
    with pytest.raises(BlobMissingError):
        await take(_url(filled), filled.blobs, tmp_path / "kept", with_blobs=True, keep=1)

    assert list((tmp_path / "kept").iterdir()) == [first.directory]


def _damage_dump(backup: Path) -> None:
    with (backup / DUMP).open("r+b") as file:
        file.seek(100)
        file.write(b"xxxx")


def _forge(**said: object) -> Callable[[Path], None]:
    def forge(backup: Path) -> None:
        manifest = json.loads((backup / NAME).read_text())
        (backup / NAME).write_text(json.dumps(manifest | said))

    return forge


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_damage_dump, "database.dump is damaged"),
        (lambda backup: (backup / DUMP).unlink(), "is missing: this backup is not whole"),
        (lambda backup: shutil.rmtree(backup / "blobs"), "is missing: this backup is not whole"),
        (lambda backup: (backup / NAME).unlink(), "no backup"),
        (lambda backup: (backup / NAME).write_text("{}"), "cannot be read"),
        (_forge(format=2), "format 2; this version reads 1"),
        (_forge(revision="0f0f0f"), "0f0f0f is unknown here"),
    ],
)
async def test_a_backup_that_is_not_whole_is_refused(
    filled: Parts,
    empty_database: str,
    tmp_path: Path,
    damage: Callable[[Path], object],
    said: str,
) -> None:
    taken = await take(_url(filled), filled.blobs, tmp_path, with_blobs=True)
    damage(taken.directory)
    with pytest.raises(UsageError, match=said):
        await restore(empty_database, filled.blobs, taken.directory)

    assert (await migrating.status(empty_database)).current is None


async def test_a_database_with_something_in_it_is_replaced_by_name_only(
    filled: Parts, tmp_path: Path
) -> None:
    """And if the copy is not what it should be, what was there stays."""
    url, blobs = _url(filled), filled.blobs
    taken = await take(url, blobs, tmp_path, with_blobs=True)
    await _change(filled, "UPDATE codebattle.code_problems SET title = 'newer'")
    await filled.engine.dispose()
    name = make_url(url).database
    with pytest.raises(UsageError, match=f"is not empty .* --force {name}"):
        await restore(url, blobs, taken.directory)
    with pytest.raises(UsageError, match="--force other: the database is called"):
        await restore(url, blobs, taken.directory, force="other")

    _forge(tables={"blobs": {"rows": 7, "hash": "0"}})(taken.directory)
    with pytest.raises(EngineError, match="not what was backed up"):
        await restore(url, blobs, taken.directory, force=name)
    async with filled.sessions() as session:
        assert await session.scalar(text("SELECT title FROM codebattle.code_problems")) == "newer"
    await filled.engine.dispose()

    _forge(tables={each: vars_of(taken, each) for each in taken.manifest.tables})(taken.directory)
    await restore(url, blobs, taken.directory, force=name)
    async with filled.sessions() as session:
        title = await session.scalar(text("SELECT title FROM codebattle.code_problems"))
        left = await session.scalar(
            text("SELECT count(*) FROM pg_namespace WHERE nspname = 'codebattle_before_restore'")
        )
    assert title != "newer"
    assert left == 0


def vars_of(taken: taking.Taken, table: str) -> dict[str, object]:
    """Return a table's line of the manifest."""
    said = taken.manifest.tables[table]
    return {"rows": said.rows, "hash": said.hash}


async def test_a_database_in_use_is_not_restored_into(filled: Parts, tmp_path: Path) -> None:
    taken = await take(_url(filled), filled.blobs, tmp_path, with_blobs=False)
    async with filled.engine.connect() as connection:
        await connection.execute(text("SET application_name = 'codebattle api'"))
        with pytest.raises(EngineError, match="in use by codebattle api"):
            await restore(_url(filled), filled.blobs, taken.directory, force="x")


async def test_a_bucket_is_named_and_not_copied(
    filled: Parts, empty_database: str, tmp_path: Path, bucket: Bucket
) -> None:
    """The bucket has its own copies; a restore insists that they are there."""
    store = S3Blobs(bucket.settings())
    taken = await take(_url(filled), store, tmp_path, with_blobs=False)
    (sha256,) = taken.manifest.blobs
    assert not (taken.directory / "blobs").exists()
    with pytest.raises(EngineError, match=f"{sha256} is neither in the backup nor in the store"):
        await restore(empty_database, store, taken.directory)
    await filled.blobs.fetch(sha256, tmp_path / "blob")
    await store.put(tmp_path / "blob")

    await restore(empty_database, store, taken.directory)

    assert {each.level async for each in check(empty_database, store)} == {Level.OK}


@pytest.mark.parametrize(
    ("statement", "name", "level"),
    [
        ("DELETE FROM codebattle.judgings", "one current judging", Level.FAIL),
        ("UPDATE codebattle.judgings SET is_current = false", "one current judging", Level.FAIL),
        (
            "UPDATE codebattle.code_problems SET current_version_id = gen_random_uuid()",
            "current versions",
            Level.FAIL,
        ),
        (
            "DELETE FROM codebattle.test_cases WHERE position = 1",
            "versions have all their test cases",
            Level.FAIL,
        ),
        (
            "UPDATE codebattle.judgings SET queued_at = now() - interval '2 hours'",
            "nothing is queued",
            Level.WARN,
        ),
        (
            (
                "UPDATE codebattle.judgings SET state = 'running',"
                " lease_expires_at = now() - interval '2 hours'"
            ),
            "leases",
            Level.WARN,
        ),
        (
            (
                "INSERT INTO codebattle.outbox (event_id, kind, key, payload, created_at)"
                " VALUES (gen_random_uuid(), 'k', 'k', '{}', now() - interval '1 day')"
            ),
            "events leave the outbox",
            Level.WARN,
        ),
        (
            "INSERT INTO codebattle.blobs VALUES (repeat('a', 64), 1, 'a/b')",
            "no orphans",
            Level.WARN,
        ),
        ("DROP INDEX codebattle.ix_judgings_queued", "schema", Level.FAIL),
        (
            (
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = 'codebattle.ix_judgings_queued'::regclass"
            ),
            "indexes and constraints",
            Level.FAIL,
        ),
        (
            "UPDATE codebattle.code_problem_versions SET package_sha256 = repeat('b', 64)",
            "blobs",
            Level.FAIL,
        ),
    ],
)
async def test_the_check_finds(filled: Parts, statement: str, name: str, level: Level) -> None:
    await _change(filled, statement)
    found = {each.name: each async for each in check(_url(filled), filled.blobs)}
    bad = [each for each in found.values() if each.level is not Level.OK]

    assert any(each.name.startswith(name) and each.level is level for each in bad), bad
    assert all(each.remedy for each in bad)


@pytest.mark.parametrize("quick", [True, False])
async def test_the_check_reads_blobs_unless_in_a_hurry(filled: Parts, *, quick: bool) -> None:
    sha256 = next(iter(filled.blobs.names()))  # type: ignore[attr-defined]
    place = filled.settings.blobs_dir / sha256[:2] / sha256[2:]
    place.write_bytes(b"other")
    found = {each.name: each async for each in check(_url(filled), filled.blobs, quick=quick)}

    assert found["blobs"].level is (Level.OK if quick else Level.FAIL)


async def test_a_schema_that_is_behind_is_the_only_finding(empty_database: str) -> None:
    found = [each async for each in check(empty_database, LocalBlobs(Path("/nowhere")))]

    assert [(each.level, each.remedy) for each in found] == [(Level.FAIL, "codebattle db upgrade")]


@pytest.mark.slow
async def test_the_drill_restores_elsewhere_and_compares(filled: Parts, tmp_path: Path) -> None:
    """Everything comes back, the check of it finds nothing, and nothing is left behind."""
    done = await drill(_url(filled), filled.blobs, scratch=tmp_path)

    assert done.rows > 10
    assert done.blobs == 1
    assert [each for each in done.findings if each.level is not Level.OK] == []
    assert [path for path in tmp_path.iterdir() if path.name.startswith("codebattle")] == []


def test_the_difference_is_told_table_by_table() -> None:
    one = {"a": Table(rows=1, hash="1"), "b": Table(rows=1, hash="1")}
    for other, said in (
        ({"a": one["a"]}, "table b is missing"),
        (one | {"c": one["a"]}, "table c is new"),
        (one | {"b": Table(rows=2, hash="1")}, "table b has 2 rows instead of 1"),
        (one | {"b": Table(rows=1, hash="2")}, "table b has other contents in its 1 rows"),
    ):
        assert restoring.compare(one, other) == [said]


def test_programs_fit_the_server_or_the_remedy_is_said() -> None:
    assert programs(server=15).major >= 15
    with pytest.raises(EngineError, match="apt-get install postgresql-client-99"):
        programs(server=99)


def test_libpq_is_told_by_its_environment() -> None:
    """The password is on no command line, and nobody's own PG variables come between."""
    said = environment("postgresql+asyncpg://u:p%40ss@db:5433/name?ssl=require")

    assert {
        key: said[key] for key in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGSSLMODE")
    } == {
        "PGHOST": "db",
        "PGPORT": "5433",
        "PGUSER": "u",
        "PGPASSWORD": "p@ss",
        "PGSSLMODE": "require",
    }
    assert environment("postgresql+asyncpg://u@/d?host=/run/x")["PGHOST"] == "/run/x"
    with pytest.raises(UsageError):
        environment("postgresql+asyncpg://u@host")
