"""docs/lessons.md names a test for every defect of the service before this one."""

import ast
import re

from .test_tidy import ROOT


def test_every_lesson_has_its_test() -> None:
    """All 24 are there, and each test is a function of that file."""
    page = (ROOT / "docs/lessons.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (R\d+) \| .+ \| .+ \| (.+) \|$", page, re.MULTILINE)

    assert [name for name, _ in rows] == [f"R{number}" for number in range(1, 25)]
    for name, test in rows:
        path, _, function = test.strip("`").partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert function in {getattr(node, "name", "") for node in tree.body}, name
