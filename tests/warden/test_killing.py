"""Whatever a program leaves behind is gone before the next request."""

import pytest

from .wire import PING, WIPE, Warden


@pytest.mark.parametrize(
    "behaviour", ["daemon", "hold-pipe", "fork-bomb", "thread-bomb", "stop", "touch-children 1"]
)
def test_nothing_survives_a_run(warden: Warden, behaviour: str) -> None:
    """After the report warden is the only process left in the sandbox."""
    warden.probe(*behaviour.split(), cpu_ms=300, wall_ms=500, processes=40)

    done = warden.ask(WIPE)

    assert (done["killed"], done["left"]) == ("0", "0")
    assert "probe" not in [name for _, name in warden.descendants()]


def test_a_daemon_cannot_hold_up_the_report(warden: Warden) -> None:
    """The report comes when the main process ends, though a child holds its output open."""
    result = warden.probe("hold-pipe", wall_ms=5000)

    assert result["cause"] == "exited"
    assert result.number("processes_left") == 1
    assert result.number("wall_us") < 4_000_000


def test_a_hidden_pipe_cannot_hold_up_the_report(warden: Warden) -> None:
    """A stream kept open inside a socket's queue does not keep warden waiting for its end."""
    assert warden.probe("hide-pipe")["cause"] == "exited"
    assert warden.probe("exit", "0")["cause"] == "exited"


def test_a_program_that_signals_everybody_hits_only_itself(warden: Warden) -> None:
    """kill(-1), kill(1) and stopping the parent leave warden and the sandbox usable."""
    result = warden.probe("kill-all")

    assert result["cause"] == "exited"
    assert result.output == b"alive\n"
    assert warden.probe("say", "1").output == b"1\n"


def test_a_hundred_runs_leave_no_descriptor(warden: Warden) -> None:
    """Warden holds as many descriptors after a hundred runs as before."""
    below = warden.wait_for_process("warden")
    warden.probe("say", "1", stdin=b"x")
    warden.ask(PING)  # what is open during a request is closed when the next one is answered
    before = warden.count_descriptors(below)
    for _ in range(100):
        warden.probe("say", "1", stdin=b"x")
    warden.ask(PING)

    assert before == warden.count_descriptors(below)
