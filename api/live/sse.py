"""The response of a stream, straight on ASGI: a thousand idle ones must cost little."""

import asyncio
from contextlib import suppress
from typing import cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.live.following import Follower
from api.logs import logger
from api.metrics import LIVE_ENDED

_log = logger(__name__)


class StreamResponse(Response):
    """Sends what a follower yields until either side ends."""

    media_type = "text/event-stream"

    def __init__(self, follower: Follower) -> None:
        super().__init__(
            headers={
                "Cache-Control": "no-store, no-transform",
                "X-Accel-Buffering": "no",
            }
        )
        del self.headers["content-length"]
        self._follower = follower

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        follower = self._follower
        watching = asyncio.create_task(_until_gone(follower, receive), name="stream watch")
        reason = "gone"
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for chunk in follower.chunks():
                with follower.sending():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            reason = follower.ending
            with follower.sending():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            if not follower.stuck:
                raise
            reason = "stuck"
            _log.info("stream.stuck", user_id=str(follower.user_id))
            cast("asyncio.Task[None]", asyncio.current_task()).uncancel()
        except OSError:
            reason = "gone"
        finally:
            follower.close()
            LIVE_ENDED.labels(reason).inc()
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching


async def _until_gone(follower: Follower, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.end("gone")
