"""Which database commands work on, and with which settings."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from api import settings as reading_settings
from api.cli import reading, users
from api.settings import Environment
from judge.errors import UsageError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a data directory of commands that nothing else in the environment speaks of."""
    for name in ("ENVIRONMENT", "DATABASE_URL", "AUTH_SECRET"):
        monkeypatch.delenv(f"CODEBATTLE_{name}", raising=False)
    # Set and taken back, whatever is done to it meanwhile.
    for name in ("ENVIRONMENT", "AUTH_SECRET"):
        monkeypatch.setenv(f"CODEBATTLE_{name}", "")
        monkeypatch.delenv(f"CODEBATTLE_{name}")
    monkeypatch.setenv("CODEBATTLE_DATA_DIR", str(tmp_path))
    reading_settings.settings.cache_clear()
    yield tmp_path
    reading_settings.settings.cache_clear()


def test_beside_codebattle_up_no_secret_is_asked_for(place: Path) -> None:
    """Its database is used, in its environment, and tokens are signed with its secret."""
    running = place / "postgres" / "data" / "postmaster.pid"
    running.parent.mkdir(parents=True)
    running.write_text("1\n/data\n0\n5432\n/sockets\n\n")
    (place / "secret").write_text("of-this-installation-" * 3 + "\n")

    chosen = reading.database()

    assert chosen.environment is Environment.DEVELOPMENT
    url = chosen.database_url.get_secret_value()
    assert url == "postgresql+asyncpg://codebattle@/codebattle?host=/sockets"
    assert chosen.auth_secret.get_secret_value() == "of-this-installation-" * 3


def test_without_it_a_secret_is_needed(place: Path) -> None:
    """Nothing runs there: what the environment says must be whole."""
    assert not list(place.iterdir())
    with pytest.raises(UsageError, match="auth_secret"):
        reading.database()


@pytest.mark.parametrize("words", [("token", str(uuid4())), ("add", "ada", "--password", "x" * 12)])
def test_a_role_that_there_is_not_is_said(words: tuple[str, ...]) -> None:
    """In one line, with those there are."""
    with pytest.raises(UsageError, match="'admin' is not a valid Role: there are player, "):
        users.app([*words, "--role", "admin"], standalone_mode=False)
