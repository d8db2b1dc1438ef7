"""`codebattle openapi`."""

from pathlib import Path
from typing import Annotated

import typer


def openapi(
    output: Annotated[
        Path | None, typer.Option(help="A file to renew, instead of printing.")
    ] = None,
) -> None:
    """Print the API's document; it needs no server."""
    text = rendered()
    if output is None:
        print(text, end="")
    elif not output.exists() or output.read_text(encoding="utf-8") != text:
        output.write_text(text, encoding="utf-8")
        print(f"{output} is renewed")


def rendered() -> str:
    """Return the document as it is checked in."""
    from api.app import create_app
    from api.contract import as_text, document
    from api.settings import Environment, Settings

    return as_text(document(create_app(Settings(environment=Environment.DEVELOPMENT))))
