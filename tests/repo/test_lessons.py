"""docs/lessons.md names a test for every defect of the service before this one."""

import ast
import re

from .test_tidy import ROOT

# It is about rooms, which the service does not have yet.
WITH_EVENTS = {"R19"}


def test_every_lesson_has_its_test() -> None:
    """All 24 are there, and each test is a function of that file."""
    page = (ROOT / "docs/lessons.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (R\d+) \| .+ \| .+ \| (.+) \|$", page, re.MULTILINE)

    assert [name for name, _ in rows] == [f"R{number}" for number in range(1, 25)]
    assert {name for name, test in rows if test == "with events"} == WITH_EVENTS
    for name, test in rows:
        if name not in WITH_EVENTS:
            path, _, function = test.strip("`").partition("::")
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            assert function in {getattr(node, "name", "") for node in tree.body}, name
