"""The settings for a command: what is wrong with them is said in one line, without their values."""

import os
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr, ValidationError

from api.settings import Environment, Settings
from api.settings import settings as read
from judge.errors import UsageError
from judge.images import data_directory


def settings() -> Settings:
    """Return the settings; raises `UsageError` naming what does not fit."""
    try:
        return read()
    except ValidationError as error:
        said = "; ".join(_line(each["loc"], each["msg"]) for each in error.errors())
        raise UsageError(f"settings: {said}") from error


def database() -> Settings:
    """Return the settings for work on the database.

    Where none is named it is that of `codebattle up` on the same data directory, if that runs;
    its environment and its secret are then those of `codebattle up` too.
    """
    if "CODEBATTLE_DATABASE_URL" in os.environ:
        return settings()
    place = Path(os.environ.get("CODEBATTLE_DATA_DIR") or data_directory())
    try:
        running = (place / "postgres" / "data" / "postmaster.pid").read_text(encoding="utf-8")
        sockets = running.splitlines()[4]
    except (OSError, IndexError):
        return settings()
    os.environ.setdefault("CODEBATTLE_ENVIRONMENT", Environment.DEVELOPMENT)
    with suppress(OSError):
        # Whoever may not read it has no use for it: tokens they sign do not hold.
        secret = (place / "secret").read_text(encoding="ascii").strip()
        os.environ.setdefault("CODEBATTLE_AUTH_SECRET", secret)
    url = f"postgresql+asyncpg://codebattle@/codebattle?host={sockets}"
    return settings().model_copy(update={"database_url": SecretStr(url)})


def _line(where: tuple[int | str, ...], what: str) -> str:
    return f"CODEBATTLE_{str(where[0]).upper()}: {what}" if where else what
