"""Reads what contest software hands in: as the specification draws it, or as a form.

The form is that of DOMjudge's `submit`: fields `problem`, `language` and `entry_point`, and the
files one by one in `code[]`. Either way a submission takes the way of all others, through the
desk; nothing is believed of an archive's own sizes.
"""

import base64
import binascii
import io
import json
import zipfile
import zlib
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.datastructures import UploadFile

from api.contestapi.kinds import Side
from api.contestapi.viewing import View
from api.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    MediaTypeError,
    NotFoundError,
    TooLargeError,
)
from api.events.machine import OVER
from api.submissions.schemas import NewSubmission
from judge import limits

ZIP = "application/zip"
FORM_FIELDS_MAX = 16
NAME_CHARS_MAX = 255
# Of the other methods the library unpacks a whole piece at once, which may be gigabytes.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_Id = Annotated[str, StringConstraints(min_length=1, max_length=36, pattern=r"^[A-Za-z0-9_.-]+$")]
_Name = Annotated[
    str, StringConstraints(min_length=1, max_length=NAME_CHARS_MAX, pattern=r"^[^\x00]*$")
]


class Archive(BaseModel):
    """The files of a submission: a zip archive in base64."""

    model_config = ConfigDict(extra="forbid")

    data: Annotated[str, Field(description="A zip archive in base64.")]
    mime: Literal["application/zip"] | None = None
    filename: _Name | None = None


class NewContestSubmission(BaseModel):
    """A submission as a team hands it in; id and times are the server's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "problem_id": "hello",
                    "language_id": "python3",
                    "files": [{"data": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}],
                }
            ]
        },
    )

    problem_id: _Id
    language_id: _Id
    team_id: Annotated[_Id | None, Field(description="One's own, if anything.")] = None
    entry_point: _Name | None = None
    files: Annotated[list[Archive], Field(min_length=1, max_length=1)]
    reaction: Annotated[Any, Field(description="Not kept.")] = None


async def read(request: Request, view: View, *, source_bytes_max: int) -> NewSubmission:
    """Return what is handed in; raises what is wrong with it."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in {"multipart/form-data", "application/json"}:
        raise MediaTypeError("send application/json or multipart/form-data")
    if view.side is not Side.TEAM:
        # Before anything is unpacked: a stranger's archive is no work of ours.
        raise ForbiddenError("only teams of this contest hand in submissions")
    if view.contest.event.state in OVER:
        # Whoever plays an event again afterwards does so elsewhere: contests know nothing of it.
        raise ConflictError("the contest is over", slug="event-closed")
    if media == "multipart/form-data":
        given, files = await _form(request, source_bytes_max)
    else:
        given, files = await _document(request, source_bytes_max)
    if given["team_id"] not in {None, str(view.entry_id)}:
        raise ForbiddenError("you are of another team")
    task = view.contest.named(given["problem_id"]) if view.sees_problems else None
    if task is None:
        raise NotFoundError("the contest has no such problem", slug="problem-not-found")
    return NewSubmission(
        problem=str(task.row.problem_id),
        language=given["language_id"],
        files=files,
        entry_point=given["entry_point"],
        event_id=view.contest.event.id,
    )


async def _document(request: Request, most: int) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise InvalidError("the body is no JSON") from error
    given = _validated(NewContestSubmission, body)
    try:
        packed = base64.b64decode(given.files[0].data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidError("files: the data is no base64") from error
    return given.model_dump(), _texts(_unpacked(packed, most))


async def _form(request: Request, most: int) -> tuple[dict[str, Any], dict[str, str]]:
    async with request.form(max_files=limits.SOURCE_FILES_MAX, max_fields=FORM_FIELDS_MAX) as form:
        files: dict[str, bytes] = {}
        left = most
        for part in form.getlist("code[]"):
            if not isinstance(part, UploadFile):
                raise InvalidError("code[]: a file is needed")
            content = await part.read(left + 1)
            left -= len(content)
            _put(files, part.filename or "", content, left)
        said = {
            "problem_id": form.get("problem"),
            "language_id": form.get("language"),
            "entry_point": form.get("entry_point") or None,
            "files": [{"data": ""}],
        }
    return _validated(NewContestSubmission, said).model_dump(), _texts(files)


def _validated(model: type[NewContestSubmission], body: Any) -> NewContestSubmission:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(found) from error


def _unpacked(packed: bytes, most: int) -> dict[str, bytes]:
    """Return the files of an archive, which may have `most` bytes together."""
    files: dict[str, bytes] = {}
    left = most
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if len(members) > limits.SOURCE_FILES_MAX:
                raise _invalid(f"{len(members)} files; at most {limits.SOURCE_FILES_MAX}")
            for member in members:
                if member.compress_type not in METHODS:
                    raise _invalid("the archive is neither stored nor deflated")
                with archive.open(member) as opened:
                    content = opened.read(left + 1)
                left -= len(content)
                _put(files, member.filename, content, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        # RuntimeError: it wants a password. NotImplementedError, of another compression, is one.
        raise _invalid("the archive cannot be read") from error
    return files


def _put(files: dict[str, bytes], name: str, content: bytes, left: int) -> None:
    if left < 0:
        raise TooLargeError("the source is too large", slug="source-too-large")
    if not 0 < len(name) <= NAME_CHARS_MAX:
        raise _invalid(f"a file's name has 1 to {NAME_CHARS_MAX} characters")
    if name in files:
        raise _invalid("a file is there twice")
    files[name] = content


def _texts(files: dict[str, bytes]) -> dict[str, str]:
    if not files:
        raise _invalid("there is no file")
    try:
        return {name: content.decode() for name, content in files.items()}
    except UnicodeDecodeError as error:
        raise _invalid("a source file is no UTF-8") from error


def _invalid(detail: str) -> InvalidError:
    return InvalidError(detail, slug="source-invalid")


def packed(files: dict[str, bytes]) -> bytes:
    """Return files as an archive, the same for the same files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])
    return held.getvalue()


def location(view: View, submission_id: UUID) -> str:
    """Return where a submission is."""
    return f"/v1/clics/api/contests/{view.contest.id}/submissions/{submission_id}"
