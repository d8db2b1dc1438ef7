"""Trials as clients send them, and what the result of such a job looks like."""

from typing import Annotated

from pydantic import ConfigDict, Field

from api.submissions.schemas import Program

INPUTS_MAX = 10
INPUT_BYTES_MAX = 64 * 1024


class NewTrial(Program):
    """A program to be run on the problem's samples, or on inputs of one's own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "problem": "hello",
                    "language": "python3",
                    "source": "print(f'Hi, {input()}!')",
                    "inputs": ["Ada\n"],
                }
            ]
        },
    )

    inputs: Annotated[
        list[str] | None,
        Field(
            description=f"At most {INPUT_BYTES_MAX} bytes of UTF-8 each; without any: the samples.",
            min_length=1,
            max_length=INPUTS_MAX,
        ),
    ] = None
