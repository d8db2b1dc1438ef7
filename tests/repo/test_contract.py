"""The API's document is checked in, and it says of each endpoint what a client has to know."""

import json
import re
from typing import Any

import pytest

from api.cli.documenting import rendered
from api.errors import MEDIA_TYPE

from .test_tidy import ROOT

CHECKED_IN = ROOT / "docs/openapi.json"
SECRET = {"password", "current", "new", "refresh_token"}


@pytest.fixture(scope="module")
def drawn() -> str:
    """Return the document that the code makes now."""
    return rendered()


@pytest.fixture(scope="module")
def operations(drawn: str) -> dict[str, dict[str, Any]]:
    """Return every operation by method and path, with the errors it refers to."""
    document = json.loads(drawn)
    errors = document["components"]["responses"]
    paths: dict[str, dict[str, dict[str, Any]]] = document["paths"]
    for operation in (each for methods in paths.values() for each in methods.values()):
        for status, answer in operation["responses"].items():
            name = answer.get("$ref", "").rpartition("/")[2]
            operation["responses"][status] = errors[name] if name else answer
    return {
        f"{method} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def test_the_document_is_current(drawn: str) -> None:
    """A change of the API is a change of a file somebody reads."""
    same = CHECKED_IN.read_text(encoding="utf-8") == drawn

    assert same, "docs/openapi.json: run `make fix` (or codebattle openapi --output) and read it"


def test_operations_are_named_for_generated_clients(
    operations: dict[str, dict[str, Any]],
) -> None:
    """One verb-first name each, one tag that the document describes, one line of summary."""
    names = [each["operationId"] for each in operations.values()]

    assert sorted(set(names)) == sorted(names)
    for where, operation in operations.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"]), where
        assert len(operation["tags"]) == 1, where
        assert 0 < len(operation["summary"]) <= 100, where


def test_tags_are_described(drawn: str, operations: dict[str, dict[str, Any]]) -> None:
    """A tag without a description is a word nobody chose."""
    described = {each["name"] for each in json.loads(drawn)["tags"]}

    assert {tag for each in operations.values() for tag in each["tags"]} == described


def test_answers_are_described(operations: dict[str, dict[str, Any]]) -> None:
    """Each success has a form, each error is a problem; headers that help are named."""
    for where, operation in operations.items():
        for status, answer in operation["responses"].items():
            at = f"{where} {status}"
            assert "X-Request-ID" in answer["headers"], at
            content = answer.get("content", {})
            if status in {"204", "304"}:
                assert not content, at
            elif int(status) < 400:
                assert all(each.get("schema") for each in content.values()), at
                assert content, at
            elif where != "get /readyz":
                assert list(content) == [MEDIA_TYPE], at
            if status in {"429", "503"} and MEDIA_TYPE in content:
                assert "Retry-After" in answer["headers"], at


def test_what_needs_a_token_says_so(operations: dict[str, dict[str, Any]]) -> None:
    """Everything but signing in, what is public and what is signed otherwise needs one."""
    free = {where for where, each in operations.items() if {} in each.get("security", [{}])}
    contests = {where for where in operations if where.startswith("get /v1/clics/api")}

    assert free == contests | {
        "get /livez",
        "get /v1/events/{event}/leaderboard",
        "get /v1/events/{event}/leaderboard.csv",
        "get /v1/events/{event}/leaderboard.json",
        "get /v1/events/{event}/leaderboard/guilds",
        "get /v1/events/{event}/leaderboard/resolver",
        "get /v1/ratings",
        "get /v1/ratings/{user_id}",
        "get /metrics",
        "get /readyz",
        "get /v1/languages",
        "get /v1/problems",
        "get /v1/problems/{problem}",
        "get /v1/problems/{problem}/samples",
        "get /v1/stream",
        "get /version",
        "post /v1/auth/login",
        "post /v1/auth/logout",
        "post /v1/auth/refresh",
        "post /v1/auth/register",
        "post /v1/hooks/platform",
    }
    for where, each in operations.items():
        assert ("401" in each["responses"]) == ("security" in each) or where in {
            "post /v1/auth/login",
            "post /v1/auth/refresh",
            "post /v1/hooks/platform",
        }, where
