"""Other people's programs: how they say who they are, hand in, and are told what is wrong."""

import base64
import io
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from api.accounts import service
from api.auth import Role
from api.db.models import (
    Account,
    CodeSubmission,
    EventParticipant,
    EventState,
    SubmissionFile,
)
from tests.api.contestapi.conftest import BASE, World, Worlds
from tests.api.signing_in import FAST, PASSWORD

if TYPE_CHECKING:
    from api.wiring import Parts

CONTEST = "/contests/finals"
SUBMISSIONS = f"{CONTEST}/submissions"
SOURCE = b"print(1)\n"


def zipped(**files: bytes) -> str:
    return compressed(zipfile.ZIP_DEFLATED, **files)


def compressed(method: int, /, **files: bytes) -> str:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return base64.b64encode(held.getvalue()).decode()


def given(data: str = "", **changes: Any) -> dict[str, Any]:
    files = [{"data": data or zipped(**{"a.py": SOURCE})}]
    return {"problem_id": "hello", "language_id": "python3", "files": files} | changes


def anybody(app: FastAPI, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"http://test{BASE}", **options
    )


async def account(app: FastAPI, world: World, *roles: Role) -> UUID:
    """Make the account `ada`, and let her play in the first team unless she has other roles."""
    parts: Parts = app.state.parts
    parts.passwords._hasher = FAST
    async with parts.sessions() as session:
        made = await service.create(
            session, parts.passwords, name="Ada", password=PASSWORD, roles=roles or (Role.PLAYER,)
        )
        if not roles:
            await session.execute(
                update(EventParticipant)
                .where(EventParticipant.entry_id == world.entries[0])
                .values(user_id=made.id)
            )
        await session.commit()
        return made.id


async def test_basic_credentials_are_taken(world: Worlds, app: FastAPI) -> None:
    """A name with its password or a token of its own; what is wrong or ended is not."""
    made = await world()
    ada = await account(app, made)
    async with anybody(app, auth=("ada", PASSWORD)) as client:
        signed = await client.get(f"{CONTEST}/account")
        assert signed.json()["type"] == "team"
        assert signed.json()["team_id"] == str(made.entries[0])
        login = await client.post(
            "http://test/v1/auth/login", json={"name": "ada", "password": PASSWORD}
        )
        bearer = login.json()["access_token"]
    async with anybody(app) as client:
        token = await client.post(
            "http://test/v1/me/tokens",
            json={"name": "feeds", "scopes": ["read"]},
            headers={"Authorization": f"Bearer {bearer}"},
        )
        assert token.status_code == 201, token.text
        personal = token.json()["token"]
    cases = [
        (("Ada", PASSWORD), 200),
        (("ada", personal), 200),
        (("anybody", bearer), 200),
        (("bob", personal), 401),
        (("ada", "wrong"), 401),
        (("nobody", PASSWORD), 401),
        (("ada\0", PASSWORD), 401),
        (("", ""), 401),
    ]
    for credentials, status in cases:
        async with anybody(app, auth=credentials) as client:
            answer = await client.get(f"{CONTEST}/account")
        assert answer.status_code == status, credentials
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    async with made.parts.sessions() as session:
        await session.execute(update(Account).where(Account.id == ada).values(password_hash="x"))
        await session.commit()
    async with anybody(app, auth=("Ada", PASSWORD)) as client:
        assert (await client.get(f"{CONTEST}/account")).status_code == 401


async def test_errors_carry_code_and_message(world: Worlds, app: FastAPI) -> None:
    """Whatever is wrong, as the specification asks, in the form all errors have."""
    await world()
    cases = [
        ("GET", "/contests/nothing", 404),
        ("GET", "/contests/%00", 404),
        ("GET", f"{CONTEST}/doesnt-exist", 404),
        ("GET", f"{CONTEST}/doesnt-exist/42", 404),
        ("GET", f"{CONTEST}/submissions/xyz9999", 404),
        ("GET", f"{CONTEST}/submissions/{'0' * 32}", 404),
        ("GET", f"{CONTEST}/persons", 404),
        ("GET", f"{CONTEST}/commentary", 404),
        ("GET", f"{CONTEST}/account", 404),
        ("GET", f"{CONTEST}/teams/{'x' * 65}", 422),
        ("GET", f"{CONTEST}/submissions/x/files", 422),
        ("POST", SUBMISSIONS, 401),
    ]
    async with anybody(app) as client:
        for method, path, status in cases:
            answer = await client.request(method, path)
            assert answer.status_code == status, path
            said = answer.json()
            assert said["code"] == said["status"] == status
            assert said["message"] == said["detail"]
        assert (await client.get("/")).json() == (await client.get("")).json()
        answer = await client.get("/contests")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "shortname" not in answer.json()[0]
        theirs = await client.get("/contests", headers={"User-Agent": "domjudge-submit-client (x)"})
        assert theirs.json()[0]["shortname"] == "finals"


async def test_a_team_hands_in(world: Worlds, app: FastAPI) -> None:
    """As the specification draws it, or as a form; what is stored is the files as they were."""
    made = await world()
    await account(app, made)
    async with anybody(app, auth=("ada", PASSWORD)) as client:
        files = {"a.py": SOURCE, "b.py": b"# \xc3\xa9\n"}
        answers = [
            await client.post(
                SUBMISSIONS,
                json=given(zipped(**files), team_id=str(made.entries[0]), entry_point="a.py"),
            ),
            await client.post(
                SUBMISSIONS,
                data={"problem": "B", "language": "python3", "entry_point": "a.py"},
                files=[("code[]", each) for each in files.items()],
            ),
        ]
        for answer, problem in zip(answers, ("hello", "B"), strict=True):
            assert answer.status_code == 201, answer.text
            shown = answer.json()
            assert (shown["problem_id"], shown["entry_point"]) == (problem, "a.py")
            found = await client.get(f"http://test{answer.headers['Location']}")
            assert found.json() == shown
            assert shown["team_id"] == str(made.entries[0])
            async with made.parts.sessions() as session:
                row = await session.get_one(CodeSubmission, UUID(shown["id"]))
                rows = await session.execute(
                    select(SubmissionFile.name, SubmissionFile.content).where(
                        SubmissionFile.submission_id == row.id
                    )
                )
                assert {name: bytes(content) for name, content in rows} == files
                assert row.entry_id == made.entries[0]


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        pytest.param(0, given(problem_id="nothing"), 404, id="no such problem"),
        pytest.param(0, given(language_id="cobol"), 422, id="no such language"),
        pytest.param(0, given(id="1"), 422, id="an id of theirs"),
        pytest.param(0, given(time="2026-01-01T00:00:00Z"), 422, id="a time of theirs"),
        pytest.param(0, given(team_id="somebody"), 403, id="for another team"),
        pytest.param("jury", given(), 403, id="the jury"),
        pytest.param(0, given(files=[]), 422, id="no files"),
        pytest.param(0, given("%%%"), 422, id="no base64"),
        pytest.param(0, given("AAAA"), 422, id="no archive"),
        pytest.param(0, given(zipped()), 422, id="nothing in it"),
        pytest.param(0, given(zipped(**{"../a.py": SOURCE})), 422, id="a name that climbs"),
        pytest.param(0, given(zipped(**{"a.py": b"\xff"})), 422, id="no text"),
        pytest.param(0, given(zipped(**{"a.py": b"#" * 5_000_000})), 413, id="a bomb"),
        # Half a kilobyte of either becomes gigabytes before anything can be counted.
        pytest.param(0, given(compressed(zipfile.ZIP_BZIP2, **{"a.py": SOURCE})), 422, id="bzip2"),
        pytest.param(0, given(compressed(zipfile.ZIP_LZMA, **{"a.py": SOURCE})), 422, id="lzma"),
        pytest.param("jury", given("AAAA"), 403, id="unpacked for nobody else"),
        pytest.param(0, given(zipped(**{"a" * 300: SOURCE})), 422, id="an endless name"),
        pytest.param(0, [], 422, id="a list"),
    ],
)
async def test_what_is_wrong_is_not_handed_in(
    world: Worlds, app: FastAPI, who: int | str, body: Any, status: int
) -> None:
    """It is refused, and nothing is stored."""
    made = await world()
    headers = {"Authorization": f"Bearer {made.token(who)}"}
    async with anybody(app, headers=headers) as client:
        answer = await client.post(SUBMISSIONS, json=body)
        odd = await client.post(SUBMISSIONS, content=b"a=b", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, odd.status_code) == (status, 415), answer.text
    async with made.parts.sessions() as session:
        assert (await session.scalars(select(CodeSubmission.id))).all() == []


async def test_nobody_hands_in_before_the_start(world: Worlds, app: FastAPI) -> None:
    """The problem is not there yet; after the end the contest is closed, to practice as well."""
    made = await world(state=EventState.LOBBY)
    headers = {"Authorization": f"Bearer {made.token(0)}"}
    async with anybody(app, headers=headers) as client:
        early = await client.post(SUBMISSIONS, json=given())
        ended = {"started_at": made.start, "duration_s": 60, "thawed_at": made.start}
        await made.change(state=EventState.THAWED, **ended)
        practice = await client.post(f"http://test/v1/events/{made.event_id}/practice")
        late = await client.post(SUBMISSIONS, json=given())
    assert (early.status_code, practice.status_code, late.status_code) == (404, 201, 409)
