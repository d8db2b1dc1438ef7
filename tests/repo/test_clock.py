"""What decides about time in an event asks the database's clock, which is one for all machines."""

from judge.images import ROOT

# The moment of a log line, or of a signed token, is another matter; these decide what is shown.
_DECIDES = ("events", "leaderboards", "contestapi")


def test_no_machine_decides_what_time_it_is() -> None:
    asked = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in _DECIDES
        for path in (ROOT / "api" / package).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if "datetime.now(" in line
    ]
    assert asked == []
