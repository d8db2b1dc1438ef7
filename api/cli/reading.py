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
        said = "; ".join(
            f"{'CODEBATTLE_' + str(each['loc'][0]).upper() + ': ' if each['loc'] else ''}{each['msg']}"
            for each in error.errors(include_input=False)
        )
        raise UsageError(f"settings: {said}") from error
