"""What is set for each model endpoint: where it is, with which key, and how much it may be asked.

`[endpoints.NAME]` in the file, or the whole table as JSON in ROADWORTHY_ENDPOINTS; a key may stand
in ROADWORTHY_ENDPOINT_<NAME>_KEY, where no file shows it.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from roadworthy.core.errors import Invalid

CHAT = "chat"  # the endpoint of chat_url, or the local engine
NAME = "^[a-z][a-z0-9_]{0,39}$"
KEY_OF = re.compile(r"ROADWORTHY_ENDPOINT_([A-Z0-9_]+)_KEY")


def http(url: str) -> str:
    """Check an address that is shown: it holds no secret.

    Raises:
        ValueError: it is no such address.
    """
    if url and urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("must begin with http:// or https://")
    if urlsplit(url).username or urlsplit(url).query:
        # A URL is shown in errors and by `config show`; a key has a setting of its own.
        raise ValueError("must hold no password or query; give the key by the setting for it")
    return url.rstrip("/")


def _free(name: str) -> str:
    if name == CHAT:
        raise ValueError("is the endpoint of chat_url and chat_key; choose another name")
    return name


HttpUrl = Annotated[str, AfterValidator(http)]
EndpointName = Annotated[str, Field(pattern=NAME), AfterValidator(_free)]


class EndpointSettings(BaseModel):
    """One endpoint. Limits hold for each process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["openai", "anthropic", "gemini", "bedrock"] = Field(
        default="openai", description="Whose protocol it speaks; others than openai need an extra."
    )
    url: HttpUrl = Field(default="", description="Base URL, up to /v1; of a vendor: if another.")
    key: SecretStr | None = Field(default=None, description="Bearer key.")
    timeout_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Longest silence before and within an answer; left out: model_timeout_s.",
    )
    most_concurrent: int = Field(default=64, ge=1, le=10_000, description="Calls at once.")
    requests_per_minute: int | None = Field(
        default=None, ge=1, le=10_000_000, description="Requests in a minute; left out: no limit."
    )
    wait_s: float = Field(
        default=2, ge=0, le=600, description="How long a call waits for its turn by these limits."
    )
    capabilities: tuple[Literal["json_schema", "logprobs"], ...] = Field(
        default=(), description="What it can beside text: json_schema, logprobs."
    )
    context_tokens: int | None = Field(
        default=None, ge=100, description="Tokens that its models read and write in one call."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind in {"openai", "bedrock"} and not self.url:
            raise ValueError("give its url")
        if self.kind in {"anthropic", "gemini"} and not self.key:
            # Else their libraries take one from variables of the environment that are not ours.
            raise ValueError("give its key")
        if self.kind == "bedrock" and "logprobs" in self.capabilities:
            raise ValueError("leave out logprobs, which it does not tell")
        return self


def endpoints_from_json(text: str) -> object:
    """Read the table as the environment holds it.

    Raises:
        Invalid: it is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError:  # its words may quote a key
        raise Invalid(
            "The setting endpoints (ROADWORTHY_ENDPOINTS) is no JSON.", setting="endpoints"
        ) from None


def with_keys(endpoints: object, environ: Mapping[str, str]) -> object:
    """Put the keys of the environment into the table.

    Raises:
        Invalid: a key is for an endpoint that is not set.
    """
    named = ((KEY_OF.fullmatch(name), key) for name, key in environ.items())
    keys = {found[1].lower(): key for found, key in named if found}
    table = dict(endpoints) if isinstance(endpoints, dict) else {}
    for name, key in keys.items():
        if not isinstance(table.get(name), dict):
            raise Invalid(
                f"ROADWORTHY_ENDPOINT_{name.upper()}_KEY is a key for the endpoint {name}, which "
                f"is not set; add [endpoints.{name}] with its url, or remove the key.",
                setting=f"endpoints.{name}.key",
            )
        if key:
            table[name] = {**table[name], "key": key}
    return table if keys else endpoints


def shown(endpoints: Mapping[str, EndpointSettings]) -> str:
    """Write what is set as JSON, keys as ********."""
    told = {
        name: each.model_dump(mode="json", exclude_defaults=True)
        for name, each in sorted(endpoints.items())
    }
    return json.dumps(told)
