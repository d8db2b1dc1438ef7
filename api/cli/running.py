"""`up`, `serve`, `worker`: the service's processes."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[str | None, typer.Option(help="Default: CODEBATTLE_HOST, 127.0.0.1.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Default: CODEBATTLE_PORT, 8000.")]


def up(
    host: Host = None,
    port: Port = None,
    data_dir: Annotated[Path | None, typer.Option(help="Default: CODEBATTLE_DATA_DIR.")] = None,
    backend: Annotated[str | None, typer.Option(help="docker or bubblewrap.")] = None,
    examples: Annotated[bool, typer.Option(help="Import the example problems.")] = True,
) -> None:
    """Start everything on this machine: PostgreSQL, Redis, API, worker. Ctrl-C ends it."""
    from api.cli.up import Wanted, run

    wanted = Wanted(host=host, port=port, data_dir=data_dir, backend=backend, examples=examples)
    raise typer.Exit(asyncio.run(run(wanted)))


def serve(
    host: Host = None,
    port: Port = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Server processes.")] = 1,
) -> None:
    """Serve the API with the parts the environment names."""
    import uvicorn

    from api.cli.reading import settings
    from api.wiring import blob_store

    chosen = settings()
    # What cannot be built is said here in one line, not by every process in its own way.
    blob_store(chosen)
    uvicorn.run(
        "api.app:from_environment",
        factory=True,
        host=host or chosen.host,
        port=chosen.port if port is None else port,
        workers=processes,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=chosen.forwarded_allow_ips,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=65,
    )


def worker() -> None:
    """Judge what is queued, with the parts the environment names. SIGTERM drains."""
    import uvloop

    from api import collecting, logs
    from api.cli.reading import settings
    from api.worker import run

    chosen = settings()
    logs.configure(form=chosen.log_format, level=chosen.log_level)
    collecting.relax()
    uvloop.run(run(chosen))
