"""Read a multipart upload: the files, and who may read them."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, Json, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile

from roadworthy.api.bodies import Clearance, Language, Long, Metadata, Name, Person
from roadworthy.corpus.access import Access, access

MOST_FILES = 100
MOST_FIELDS = 250
LARGEST_FIELD = 50_000  # bytes
FILE_FIELD = "file"
REPEATED = frozenset({"groups", "users"})
MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
UNKNOWN_MEDIA_TYPE = "application/octet-stream"
DOCUMENT_NAME = TypeAdapter(Long)

# FastAPI would read the whole form before it knows whether the key may upload.
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "required": [FILE_FIELD],
                "properties": {
                    FILE_FIELD: {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST_FILES,
                        "items": {"type": "string", "format": "binary"},
                        "description": "One or more files; the part repeats.",
                    },
                    "groups": {"type": "array", "items": {"type": "string", "minLength": 1}},
                    "users": {"type": "array", "items": {"type": "string", "minLength": 1}},
                    "clearance": {"type": "integer", "minimum": 0, "maximum": 1000},
                    "corpus": {"type": "string", "minLength": 1, "maxLength": 100},
                    "metadata": {
                        "type": "object",
                        "description": "JSON; each value is a text, a number or a boolean.",
                        "maxProperties": 50,
                        "additionalProperties": {"type": ["string", "number", "boolean"]},
                    },
                    "name": {"type": "string", "minLength": 1, "maxLength": 1000},
                    "language": {
                        "type": "string",
                        "minLength": 2,
                        "maxLength": 40,
                        "description": "Of the documents, such as fr; else it is detected.",
                    },
                },
            }
        }
    },
}


class UploadForm(BaseModel):
    """The fields beside the files. Without groups and users, everyone in the tenant may read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: Annotated[list[Person], Field(max_length=100)] = []
    users: Annotated[list[Person], Field(max_length=100)] = []
    clearance: Clearance = 0
    corpus: Name = "main"
    metadata: Json[Metadata] = {}
    language: Language | None = None
    name: Long | None = Field(default=None, description="Else the file's own; for one file.")

    @property
    def access(self) -> Access:
        """Say who may read."""
        return access(groups=self.groups, users=self.users, clearance=self.clearance)


@asynccontextmanager
async def read_upload(request: Request) -> AsyncIterator[tuple[UploadForm, Sequence[UploadFile]]]:
    """Read the form for a block; files beyond 1 MB wait on disk until its end.

    Raises:
        RequestValidationError: a field is unknown or wrong, or there is no file.
    """
    async with request.form(
        max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=LARGEST_FIELD
    ) as form:
        files = [file for file in form.getlist(FILE_FIELD) if isinstance(file, UploadFile)]
        if not files:
            raise _wrong(FILE_FIELD, "there is no file; send multipart/form-data with parts `file`")
        fields = _parse(form)
        if fields.name is not None and len(files) > 1:
            raise _wrong("name", "a name is for one file; these keep their own")
        yield fields, files


def name_of(file: UploadFile, fields: UploadForm) -> str:
    """Name a document: as told, else as the file.

    Raises:
        RequestValidationError: the file's name is empty, too long or no text.
    """
    try:
        return DOCUMENT_NAME.validate_python(fields.name or file.filename or "")
    except ValidationError:
        raise _wrong(FILE_FIELD, "a file's name has from 1 to 1000 characters") from None


def media_type_of(file: UploadFile) -> str:
    """Read what the sender says that it is; reading the file finds out."""
    told = (file.content_type or "").partition(";")[0].strip().lower()
    return told if MEDIA_TYPE.fullmatch(told) else UNKNOWN_MEDIA_TYPE


def _parse(form: FormData) -> UploadForm:
    try:
        return UploadForm.model_validate(_fields(form))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        placed = [{**each, "loc": ("body", *each["loc"])} for each in found]
        raise RequestValidationError(placed) from error


def _fields(form: FormData) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key in form:
        if key != FILE_FIELD:
            values = form.getlist(key)
            fields[key] = values if key in REPEATED or len(values) > 1 else values[0]
    return fields


def _wrong(field: str, sentence: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": sentence, "type": "wrong"}])
