"""The command line. `main` is the one place where an expected failure becomes a line and a code.

Exit codes: 0 all is well · 1 a verdict, label or check does not hold · 2 wrong usage · 3 a broken
package · 4 a source that cannot be judged · 5 a missing engine, image or tool · 6 our failure
while judging · 130 interrupted.
"""

import sys

import typer
from typer.exceptions import TyperException

from judge.cli.app import app
from judge.errors import CodebattleError, EngineError
from judge.results import printable

__all__ = ["main"]


def main() -> None:
    """Run `codebattle`."""
    try:
        code = app(standalone_mode=False)
    except CodebattleError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except TyperException as error:
        if error.format_message():
            _say(f"{error.format_message()} (codebattle --help)")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        # A full disk or a file we may not read: this machine lacks something.
        _say(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        sys.exit(EngineError.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _say(text: str) -> None:
    """Print one line that no terminal obeys: names of files and packages may be anybody's."""
    line = " ".join(printable(text).split())
    print(f"codebattle: {line}", file=sys.stderr)
