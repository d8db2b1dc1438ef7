"""The settings for a command: what is wrong with them is said in one line, without their values."""

import os

from pydantic import SecretStr, ValidationError

from api.settings import Settings
from api.settings import settings as read
from judge.errors import UsageError


def settings() -> Settings:
    """Return the settings; raises `UsageError` naming what does not fit."""
    try:
        return read()
    except ValidationError as error:
        said = "; ".join(_line(each["loc"], each["msg"]) for each in error.errors())
        raise UsageError(f"settings: {said}") from error


def database() -> Settings:
    """Return the settings for work on the database.

    Where none is named it is that of `codebattle up` on the same data directory, if that runs.
    """
    chosen = settings()
    if "CODEBATTLE_DATABASE_URL" in os.environ:
        return chosen
    running = chosen.data_dir / "postgres" / "data" / "postmaster.pid"
    try:
        sockets = running.read_text(encoding="utf-8").splitlines()[4]
    except (OSError, IndexError):
        return chosen
    url = f"postgresql+asyncpg://codebattle@/codebattle?host={sockets}"
    return chosen.model_copy(update={"database_url": SecretStr(url)})


def _line(where: tuple[int | str, ...], what: str) -> str:
    return f"CODEBATTLE_{str(where[0]).upper()}: {what}" if where else what
