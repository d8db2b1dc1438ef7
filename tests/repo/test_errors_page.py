"""docs/errors.md has every type of error the code can answer with, and no other."""

import ast
import re
from collections.abc import Iterator

from api import errors

from .test_tidy import ROOT

# What the framework or the edge answers with and no class stands for.
OTHERS = {("method-not-allowed", 405), ("request-header-fields-too-large", 431), ("internal", 500)}
KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ApiError) and not name.startswith("_")
}


def _raised() -> Iterator[tuple[str, int]]:
    """Find each `SomeError(…, slug="…")` with the status of its class."""
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            for keyword in node.keywords:
                if keyword.arg == "slug" and name in KINDS:
                    assert isinstance(keyword.value, ast.Constant), f"{path}: a slug is a literal"
                    yield str(keyword.value.value), int(KINDS[name].status)


def test_every_type_of_error_is_documented() -> None:
    """With the status it has in the code: a new one needs a row of its own."""
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \| .+ \| .+ \|$", page, re.MULTILINE)
    classes = {(each.slug, int(each.status)) for each in KINDS.values()}

    assert {(slug, int(status)) for slug, status in rows} == classes | set(_raised()) | OTHERS
    assert len(rows) == len(set(rows))
