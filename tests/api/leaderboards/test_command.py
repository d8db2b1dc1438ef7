"""`codebattle leaderboard`: exit codes, one line for what is wrong, and boards as they were."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text

from api.leaderboards import rebuilding, updating
from api.settings import Settings
from api.wiring import Parts
from judge.verdicts import Verdict

from .conftest import Grounds
from .test_reading import judged, take

pytestmark = pytest.mark.slow


def run(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "CODEBATTLE_ENVIRONMENT": "development",
        "CODEBATTLE_DATA_DIR": str(settings.data_dir),
        "CODEBATTLE_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    return subprocess.run(
        [sys.executable, "-m", "api", "leaderboard", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long(20)
async def test_proved_mended_and_shown(settings: Settings, parts: Parts, ground: Grounds) -> None:
    made = await ground()
    async with parts.sessions() as session:
        await rebuilding.rebuild(session, await updating.locked(session, made.event_id))
        await session.commit()
    await take(parts, judged(made, 3, 0, 10, Verdict.AC))
    event = str(made.event_id)

    assert run(settings, "rebuild", "--check", event).returncode == 0
    top = run(settings, "show", event, "--limit", "1", "--json")
    assert json.loads(top.stdout)["entry_id"] == str(made.entries[3])
    before = run(settings, "show", event, "--at", "2026-01-01", "--limit", "1")
    assert before.stdout.split()[:2] == ["1", "0"]
    async with parts.sessions() as session:
        await session.execute(text("UPDATE codebattle.board_rows SET penalty = 99"))
        await session.commit()
    broken = run(settings, "rebuild", "--check", event, "--json")
    assert (broken.returncode, json.loads(broken.stdout)["equal"]) == (1, False)
    assert "rebuilt" in run(settings, "rebuild", event).stdout
    assert run(settings, "rebuild", "--check", f"event-{event}").returncode == 0
    for words in (("show", "nowhere"), ("show", event, "--at", "then")):
        wrong = run(settings, *words)
        assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1), wrong.stderr
