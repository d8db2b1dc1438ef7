"""The page at `/docs`: Swagger UI over the API's document, served by ourselves.

FastAPI's own page takes its script from a network that an event's hall may not have. The files are
those of the package `fastapi-swagger`; its application is not used, since it builds absolute
addresses from the host that a request names.
"""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PAGE = "/docs"
FILES = "/docs/files"
# The page starts by a script of its own; nothing comes from elsewhere, nothing is asked there.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:"
)


def install(app: FastAPI) -> None:
    """Let an application answer with the page and with what it is made of."""

    async def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        answer = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root}{FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{FILES}/swagger-ui.css",
            swagger_favicon_url=f"{root}{FILES}/favicon-32x32.png",
            swagger_ui_parameters={"validatorUrl": None},
        )
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    app.mount(FILES, StaticFiles(directory=Path(str(files("fastapi_swagger") / "resources"))))
    app.add_route(PAGE, page, include_in_schema=False)
