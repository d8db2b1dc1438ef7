"""The command line of everything: the judge's commands, and the service's beside them.

Heavy modules are imported inside commands, so that `codebattle judge` starts as fast as before.
"""

from api.cli import (
    backups,
    database,
    documenting,
    leaderboards,
    running,
    similarity,
    simulate,
    users,
)
from judge.cli import main as run_judge
from judge.cli.app import app, similarity_app

__all__ = ["app", "main"]

app.info.help = "Judge programs in a sandbox, from the command line or as a service."
app.command("up")(running.up)
app.command("serve")(running.serve)
app.command("worker")(running.worker)
app.command("openapi")(documenting.openapi)
app.command("simulate")(simulate.simulate)
database.app.command("backup")(backups.backup)
database.app.command("restore")(backups.restore)
database.app.command("check")(backups.check)
database.app.command("drill")(backups.drill)
similarity_app.command("serve")(similarity.serve)
similarity_app.command("rebuild")(similarity.rebuild)
app.add_typer(database.app, name="db")
app.add_typer(users.app, name="user")
app.add_typer(leaderboards.app, name="leaderboard")


def main() -> None:
    """Run `codebattle`."""
    run_judge()
