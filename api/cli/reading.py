"""The settings for a command: what is wrong with them is said in one line, without their values."""

from pydantic import ValidationError

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


def _line(where: tuple[int | str, ...], what: str) -> str:
    return f"CODEBATTLE_{str(where[0]).upper()}: {what}" if where else what
