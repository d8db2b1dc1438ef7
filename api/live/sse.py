"""The response of a stream, straight on ASGI: a thousand idle ones must cost little."""

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.live.following import Follower
from api.logs import logger
from api.metrics import LIVE_ENDED

# A client that takes nothing for so long is cut off; it can resume.
SEND_S = 10.0
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
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            reason = follower.ending
            async with asyncio.timeout(SEND_S):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            reason = "stuck"
            _log.info("stream.stuck", user_id=str(follower.user_id))
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
