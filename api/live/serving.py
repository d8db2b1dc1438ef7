"""The web server, taught to let streams go before it waits for open requests to end."""

import socket
from typing import cast

import uvicorn

from api.live.hub import Hub


class Server(uvicorn.Server):
    """uvicorn waits for requests before it ends the application, and streams end by themselves.

    So they are told to come back first, while the server still runs.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn does, streams first."""
        hub = _hub(self.config.loaded_app)
        for listening in self.servers:
            # Nobody comes back to a server that is going.
            listening.close()
        if hub is not None:
            await hub.drain()
        await super().shutdown(sockets)


def _hub(app: object) -> Hub | None:
    """Return the hub of an application below whatever middleware uvicorn put around it."""
    while app is not None and not hasattr(app, "state"):
        app = getattr(app, "app", None)
    parts = getattr(getattr(app, "state", None), "parts", None)
    return cast("Hub | None", getattr(parts, "hub", None))
