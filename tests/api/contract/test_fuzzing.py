"""Schemathesis reads the API's document and calls the real service as different people.

Every check it has is on: no 5xx, statuses, headers, media types and bodies as the document says,
bad data refused, good data taken, tokens needed where the document says so.
`make fuzz` takes longer, with a new seed, and follows what one answer gives into the next call.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.auth import Role
from api.db.models import Account
from api.settings import Settings
from api.wiring import Parts
from judge.images import ROOT
from tests.api.conftest import PROBLEMS, imported, token_for
from tests.api.live_client import serving
from tests.api.signing_in import FAST

CONFIGURATION = ROOT / "tests/api/contract/schemathesis.toml"
SEED = os.environ.get("FUZZ_SEED", "20261121")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")
# Who may do most gets furthest: all boundary values are tried once, as the game master.
PHASES = {"game-master": "examples,coverage,fuzzing"}
PHASES_ALL = os.environ.get("FUZZ_PHASES", "")
PATIENCE_S = 3600
WHO: dict[str, tuple[Role, ...] | None] = {
    "game-master": (Role.GAME_MASTER,),
    "author": (Role.PLAYER, Role.AUTHOR),
    "player": (Role.PLAYER,),
    "anonymous": None,
}
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "who", [pytest.param(who, marks=pytest.mark.long(90 if who in PHASES else 30)) for who in WHO]
)
async def test_the_service_keeps_to_its_document(
    settings: Settings, parts: Parts, tmp_path: Path, who: str
) -> None:
    """Whatever is sent, the answer is one that the document describes."""
    chosen = settings.model_copy(
        update={
            "auth_registration": True,
            "hook_secrets": (SecretStr("whsec_" + "a" * 32),),
            "wait_s_max": 0.2,
        }
    )
    await imported(parts, PROBLEMS / "hello")
    app = create_app(chosen)
    async with serving(app) as (url, _):
        app.state.parts.passwords._hasher = FAST
        token = await _token(parts, who)
        phases = PHASES_ALL or PHASES.get(who, "examples,fuzzing")
        said, status = await _run(url, token, phases, tmp_path)
    assert status == 0, said[-20_000:]


async def _token(parts: Parts, who: str) -> str | None:
    roles = WHO[who]
    if roles is None:
        return None
    async with parts.sessions() as session:
        made = Account(name=who, password_hash=FAST.hash("never said"), roles=sorted(roles))
        session.add(made)
        await session.commit()
        return token_for(parts.settings, *roles, user_id=made.id)


async def _run(url: str, token: str | None, phases: str, directory: Path) -> tuple[str, int]:
    arguments = [
        *("--config-file", str(CONFIGURATION), "--no-color", "run", f"{url}/openapi.json"),
        *("--seed", SEED, "--max-examples", EXAMPLES, "--phases", phases),
    ]
    if token is not None:
        arguments += ["--header", f"Authorization: Bearer {token}"]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *arguments,
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return said.decode(), process.returncode or 0
