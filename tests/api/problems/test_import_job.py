"""Uploads become versions in a job that verifies them, or fail with what is wrong; never twice."""

import asyncio
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from api.auth import Role
from api.db.base import new_id
from api.db.models import (
    AuditEntry,
    Blob,
    CodeProblem,
    CodeProblemVersion,
    Job,
    JobLane,
)
from api.jobs import claiming
from api.jobs.running import JobRunner
from api.problems import archives, packing, verification
from api.problems.import_job import ImportJob
from api.problems.service import Imported
from api.wiring import Parts
from judge.artefacts import ArtefactCache
from judge.judging import Judge
from judge.sandbox.base import Cause
from judge.sandbox.bubblewrap import BubblewrapLauncher
from judge.sandbox.fake import Reply, exited
from judge.sandbox.pool import Pool
from tests.api.conftest import PROBLEMS, Client, ClientFor
from tests.unit.core.scripted import Script, bench, package, says, stopped

AC = Reply(stdout=b"ok\n", outcome=exited(0, cpu_ms=1200))
WA = Reply(stdout=b"no\n")
JURY = {"submissions/accepted/one.py": "#!/usr/bin/python3\nprint('ok')\n"}
CHECKER = {"input_validators/check.py": "import sys; sys.exit(42)\n"}

AN_ID = UUID("00000000-0000-4000-8000-000000000002")


def zipped(root: Path, **more: Any) -> bytes:
    """Return a package as an upload has it."""
    package(root / "made", {"secret/1": ("a", "ok")}, **{"files": JURY, "yaml": ""} | more)
    packing.pack(root / "made", root / "made.zip")
    shutil.rmtree(root / "made")
    return (root / "made.zip").read_bytes()


def runner_for(parts: Parts, script: Script) -> JobRunner:
    """Return a worker that does nothing by itself: call `look`."""
    handler = ImportJob(parts, bench(script).judge)
    return JobRunner(parts, {archives.IMPORT: handler}, worker=new_id(), slots=1)


async def uploaded(client: Client, data: bytes, **fields: Any) -> str:
    """Upload a package as `one`; return where its job is."""
    answer = await client.post("/v1/problems", files={"package": ("one.zip", data)}, data=fields)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


async def done(parts: Parts, client: Client, where: str, script: Script) -> dict[str, Any]:
    """Let a worker do what waits; return the job."""
    await runner_for(parts, script).look(JobLane.LONG)
    found: dict[str, Any] = (await client.get(where)).json()
    return found


async def count(parts: Parts, table: type[Any]) -> int:
    async with parts.sessions() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_verified_package_becomes_a_version(
    parts: Parts, client_for: ClientFor, tmp_path: Path
) -> None:
    """With the time limit its jury needs, a row in the audit log, a table; for its author."""
    author = client_for(Role.AUTHOR)
    data = zipped(tmp_path, yaml="keywords: [easy]")
    where = await uploaded(author, data)
    assert (await author.get("/v1/problems/one")).status_code == 404
    job = await done(parts, author, where, Script(run=says(AC)))
    again = await done(parts, author, await uploaded(author, data), Script(run=says(AC)))
    problem = (await author.get("/v1/problems/one")).json()
    versions = (await author.get("/v1/problems/one/versions")).json()["items"]
    other = client_for(Role.AUTHOR)
    taken = await other.post("/v1/problems", files={"package": ("one.zip", data)})

    assert (job["state"], job["error"]) == ("done", None)
    result = job["result"]
    assert (result["slug"], result["version"], result["created"]) == ("one", 1, True)
    assert result["time_limit"] == {"cpu_ms": 3000, "source": "computed", "note": ""}
    assert [(row["name"], row["verdict"], row["ok"]) for row in result["submissions"]] == [
        ("accepted/one.py", "AC", True)
    ]
    assert (again["result"]["created"], again["result"]["version"]) == (False, 1)
    assert (problem["limits"]["cpu_ms"], problem["visibility"]) == (3000, "hidden")
    assert [(each["number"], each["verified"], each["current"]) for each in versions] == [
        (1, True, True)
    ]
    assert taken.status_code == 403
    async with parts.sessions() as session:
        acts = list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert acts == ["problem.created", "problem.edited"]


@pytest.mark.parametrize(
    ("more", "script", "slug", "said"),
    [
        ({}, Script(run=says(WA)), "package-unverified", "1 of 1 submissions"),
        (
            {"files": JURY | CHECKER},
            Script(run=says(AC), validate=says(Reply(outcome=exited(43)))),
            "package-unverified",
            "data/secret/1.in: rejected by input_validators/check.py",
        ),
        ({"yaml": "limits: {time_limit: -1}"}, Script(), "package-invalid", "time_limit"),
    ],
)
async def test_what_is_wrong_fails_the_job_and_leaves_nothing(
    parts: Parts,
    client_for: ClientFor,
    tmp_path: Path,
    more: Mapping[str, Any],
    script: Script,
    slug: str,
    said: str,
) -> None:
    """The package is told, with the file and what was found; no problem, no version, no archive."""
    broken = "time_limit" in str(more)
    data = _broken(tmp_path, more["yaml"]) if broken else zipped(tmp_path, **more)
    author = client_for(Role.AUTHOR)
    job = await done(parts, author, await uploaded(author, data), script)

    assert (job["state"], job["attempt"], job["result"]) == ("failed", 1, None)
    error = job["error"]
    assert (error["status"], error["type"]) == (422, f"urn:codebattle:error:{slug}")
    assert said in error["detail"]
    if slug == "package-unverified":
        assert [row["name"] for row in error["submissions"]] == ["accepted/one.py"]
        assert len(error["findings"]) == len(more.get("files", {})) // 2
    assert await count(parts, CodeProblem) == await count(parts, CodeProblemVersion) == 0
    assert await count(parts, Blob) == 1


def _broken(root: Path, yaml: str) -> bytes:
    with zipfile.ZipFile(root / "x.zip", "w") as archive:
        archive.writestr("problem.yaml", f"problem_format_version: 2025-09\n{yaml}\n")
    return (root / "x.zip").read_bytes()


async def test_a_failure_of_ours_is_not_the_packages(
    parts: Parts, client_for: ClientFor, tmp_path: Path
) -> None:
    """A sandbox that is lost costs a try; the next one may succeed."""
    author = client_for(Role.AUTHOR)
    where = await uploaded(author, zipped(tmp_path, yaml="limits: {time_limit: 1}"))
    lost = Reply(outcome=stopped(Cause.CANCELLED))
    first = await done(parts, author, where, Script(run=says(lost)))
    async with parts.sessions() as session:
        await session.execute(update(Job).values(due_at=func.now()))
        await session.commit()
    second = await done(parts, author, where, Script(run=says(AC)))

    assert (first["state"], first["attempt"]) == ("queued", 1)
    assert (second["state"], second["attempt"]) == ("done", 2)


async def test_an_older_upload_does_not_replace_a_newer_one(
    parts: Parts, client_for: ClientFor, tmp_path: Path
) -> None:
    """Whichever is verified first: what was uploaded last is current."""
    author = client_for(Role.AUTHOR)
    old = await uploaded(author, zipped(tmp_path, yaml="name: Old"))
    async with parts.sessions() as session:
        later = func.now() + text("interval '1 hour'")
        await session.execute(update(Job).values(due_at=later))
        await session.commit()
    new = await uploaded(author, zipped(tmp_path, yaml="keywords: [new]"))
    await done(parts, author, new, Script(run=says(AC)))
    found = [(await author.get(where)).json()["result"] for where in (old, new)]

    assert [(each["version"], each["current"]) for each in found] == [(2, False), (1, True)]
    assert (await author.get("/v1/problems/one")).json()["keywords"] == ["new"]


async def test_a_worker_that_is_killed_leaves_the_import_to_another(
    parts: Parts, client_for: ClientFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another takes it up; what the first still brings, should it live, changes nothing."""
    author = client_for(Role.AUTHOR)
    where = await uploaded(author, zipped(tmp_path))
    begun, go_on = asyncio.Event(), asyncio.Event()
    verify = verification.verify

    async def slow(*given: Any) -> verification.Report:
        found = await verify(*given)
        begun.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(verification, "verify", slow)
    task = asyncio.create_task(runner_for(parts, Script(run=says(AC))).look(JobLane.LONG))
    await begun.wait()
    monkeypatch.setattr(verification, "verify", verify)
    async with parts.sessions() as session:
        past = func.now() - text("interval '1 second'")
        await session.execute(update(Job).values(lease_expires_at=past))
        await session.commit()
        await claiming.sweep(session, attempts_max=3, problem=lambda *_: {})
    deadline = asyncio.get_running_loop().time() + 10
    # A look leaves out what somebody has just then, be it to extend its lease in vain.
    while True:
        job = await done(parts, author, where, Script(run=says(AC)))
        if job["state"] != "queued" or asyncio.get_running_loop().time() > deadline:
            break
    go_on.set()
    await task
    late = (await author.get(where)).json()

    assert (job["state"], job["attempt"]) == ("done", 2)
    assert late == job
    assert await count(parts, CodeProblemVersion) == await count(parts, AuditEntry) == 1


async def test_only_game_masters_import_unverified(
    parts: Parts, client_for: ClientFor, tmp_path: Path
) -> None:
    """Then the result says so, and a verified upload of the same makes up for it."""
    data = zipped(tmp_path)
    author, master = client_for(Role.AUTHOR), client_for(Role.GAME_MASTER)
    refused = await author.post(
        "/v1/problems", files={"package": ("one.zip", data)}, data={"verify": "false"}
    )
    where = await uploaded(master, data, verify="false")
    found = (await done(parts, master, where, Script(run=says(WA))))["result"]
    tried = (await done(parts, master, await uploaded(master, data), Script(run=says(AC))))[
        "result"
    ]

    assert refused.status_code == 403
    assert (found["verified"], found["time_limit"]["source"]) == (False, "default")
    assert (found["time_limit"]["cpu_ms"], found["submissions"]) == (10_000, [])
    assert (tried["version"], tried["verified"], tried["time_limit"]["cpu_ms"]) == (2, True, 3000)


@pytest.mark.parametrize(
    ("roles", "name", "files", "status"),
    [
        ([Role.AUTHOR], "x.zip", {"readme.txt": "no problem"}, 422),
        ([Role.AUTHOR], "x.zip", {"a/b/problem.yaml": "too deep"}, 422),
        ([Role.AUTHOR], "x.tar", {"problem.yaml": "name: x"}, 422),
        # A name that is an id would hide the problem of that id.
        ([Role.AUTHOR], f"{AN_ID}.zip", {"problem.yaml": "name: x"}, 422),
        ([Role.AUTHOR], f"{AN_ID.hex}.zip", {"problem.yaml": "name: x"}, 422),
        ([Role.AUTHOR], "hello.zip", {"problem.yaml": "name: x"}, 403),
        ([Role.PLAYER], "x.zip", {"problem.yaml": "name: x"}, 403),
    ],
)
async def test_what_can_be_refused_at_once_makes_no_job(
    parts: Parts,
    client_for: ClientFor,
    hello: Imported,
    tmp_path: Path,
    roles: list[Role],
    name: str,
    files: dict[str, str],
    status: int,
) -> None:
    """No look inside is needed for these; nothing is kept of them."""
    del hello
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    upload = {"package": (name, (tmp_path / "x.zip").read_bytes())}
    answer = await client_for(*roles).post("/v1/problems", files=upload)

    assert answer.status_code == status
    assert await count(parts, Job) == 0
    assert await count(parts, Blob) == 1


async def test_versions_are_for_the_jury(client_for: ClientFor, hello: Imported) -> None:
    """Players and other authors see none; a page leads to the next."""
    answers = [
        (await client_for(role).get(f"/v1/problems/{hello.slug}/versions")).status_code
        for role in (Role.PLAYER, Role.AUTHOR, Role.REVIEWER, Role.GAME_MASTER)
    ]

    assert answers == [403, 403, 403, 200]


async def test_archives_nothing_needs_are_removed(
    parts: Parts, client_for: ClientFor, hello: Imported, tmp_path: Path
) -> None:
    """An upload goes when its import has ended; what a version or a job needs stays."""
    author = client_for(Role.AUTHOR)
    where = await uploaded(author, zipped(tmp_path))

    async def pruned(kept_s: float) -> int:
        async with parts.sessions() as session:
            return await archives.prune(session, parts.blobs, kept_s=kept_s)

    assert await pruned(0) == 0
    await author.post(f"{where}/cancel")
    assert await pruned(3600) == 0
    assert await pruned(0) == 1
    async with parts.sessions() as session:
        kept = (await session.get_one(CodeProblemVersion, hello.version_id)).package_sha256
        assert list(await session.scalars(select(Blob.sha256))) == [kept]
    assert await parts.blobs.has(kept)
    assert not await parts.blobs.has(archives.sha256_of(tmp_path / "made.zip"))


@pytest.mark.slow
@pytest.mark.long(30)
@pytest.mark.bubblewrap
async def test_packages_are_tried_in_earnest(
    parts: Parts, client_for: ClientFor, tmp_path: Path
) -> None:
    """A shipped package holds; with a wrong solution labelled as right it does not."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    shutil.copytree(PROBLEMS / "hello", right)
    # One compiler after the other would take a minute and show nothing more.
    for each in right.glob("submissions/*/*"):
        if each.suffix != ".py":
            each.unlink()
    shutil.copytree(right, wrong)
    (wrong / "submissions/accepted/wrong.py").write_text("print('no')\n")
    author = client_for(Role.AUTHOR)
    jobs = []
    launcher = BubblewrapLauncher()
    pool = Pool(launcher, [0])
    judge = Judge(pool, cache=ArtefactCache(tmp_path / "artefacts"))
    try:
        runner = JobRunner(
            parts, {archives.IMPORT: ImportJob(parts, judge)}, worker=new_id(), slots=1
        )
        for root in (right, wrong):
            packing.pack(root, tmp_path / "packed.zip")
            where = await uploaded(author, (tmp_path / "packed.zip").read_bytes())
            await runner.look(JobLane.LONG)
            jobs.append((await author.get(where)).json())
    finally:
        await pool.close()
        await launcher.close()

    assert [each["state"] for each in jobs] == ["done", "failed"]
    assert {row["verdict"] for row in jobs[0]["result"]["submissions"]} > {"AC"}
    bad = [row for row in jobs[1]["error"]["submissions"] if not row["ok"]]
    assert [(row["name"], row["expected"], row["verdict"]) for row in bad] == [
        ("accepted/wrong.py", ["AC"], "WA")
    ]
    async with parts.sessions() as session:
        found = await session.scalars(select(CodeProblemVersion.problem_id))
        assert list(found) == [UUID(jobs[0]["result"]["problem_id"])]
