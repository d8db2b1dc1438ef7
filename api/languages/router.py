"""`/v1/languages`: data of the judge, as it is."""

from fastapi import APIRouter
from pydantic import BaseModel

from judge.languages import languages

router = APIRouter(prefix="/languages", tags=["languages"])


class LanguageShown(BaseModel):
    """A language submissions can be in."""

    id: str
    name: str
    extensions: list[str]
    aliases: list[str]
    compiled: bool
    time_factor: float


class LanguageList(BaseModel):
    """All of them; there are too few for pages."""

    items: list[LanguageShown]


@router.get("")
async def list_languages() -> LanguageList:
    """List the languages on offer."""
    return LanguageList(
        items=[
            LanguageShown(
                id=each.id,
                name=each.name,
                extensions=list(each.extensions),
                aliases=list(each.aliases),
                compiled=each.compile is not None,
                time_factor=each.time_factor,
            )
            for each in languages().values()
        ]
    )
