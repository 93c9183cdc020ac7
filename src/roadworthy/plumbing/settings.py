"""What differs between two places that run the same product; read once, at the start.

Values come from `roadworthy.toml` in the working directory (or the file that ROADWORTHY_CONFIG
names), then from the environment: `ROADWORTHY_CHAT_URL` sets `chat_url`. What shapes an answer
(prompts, weights, thresholds) is no setting: it stands in a release.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import parse_qs, urlsplit

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from roadworthy.core.errors import Invalid
from roadworthy.plumbing.endpoint_settings import (
    KEY_OF,
    EndpointName,
    EndpointSettings,
    HttpUrl,
    endpoints_from_json,
    shown,
    with_keys,
)
from roadworthy.plumbing.webhook_settings import Origins

PREFIX = "ROADWORTHY_"
CONFIG_FILE = "roadworthy.toml"
ESCAPES = "write / @ [ ] in a password as %2F %40 %5B %5D"


def default_home() -> Path:
    """Place data where the platform expects it; for root, where another user may reach it."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/roadworthy")
    return platformdirs.user_data_path("roadworthy")


def _postgresql(url: SecretStr | None) -> SecretStr | None:
    if url and urlsplit(url.get_secret_value()).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must begin with postgresql://")
    return url


def _without_login(url: SecretStr | None) -> SecretStr | None:
    parts = urlsplit(url.get_secret_value()) if url else urlsplit("")
    if "@" in parts.netloc or {"user", "password"} & parse_qs(parts.query).keys():
        raise ValueError("must name no user and no password; those of database_app_url are used")
    return url


def _broker(url: SecretStr | None) -> SecretStr | None:
    if not url:
        return None
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:  # its words may quote a piece of the password
        raise ValueError(f"is no URL; {ESCAPES}") from None
    if parts.scheme not in {"amqp", "amqps", "kafka"}:
        raise ValueError("must begin with amqp://, amqps:// or kafka://")
    if "@" in parts.path:
        raise ValueError(f"ends before its @; {ESCAPES}")
    if not parts.hostname:
        raise ValueError(
            "names no host; write amqp://user:password@host:5672/ or kafka://host:9092"
        )
    if parts.scheme == "kafka" and ("@" in parts.netloc or parts.path.strip("/")):
        raise ValueError("names a Kafka: write kafka://host:9092, or several hosts with commas")
    if not all(map(_has_port, parts.netloc.rpartition("@")[2].split(","))):
        raise ValueError("names a port that is no number from 1 to 65535")
    return url


def _has_port(address: str) -> bool:
    try:
        return urlsplit(f"//{address}").port != 0 and not address.endswith(":")
    except ValueError:
        return False


DatabaseUrl = Annotated[SecretStr | None, AfterValidator(_postgresql)]
ReplicaUrl = Annotated[DatabaseUrl, AfterValidator(_without_login)]

BrokerUrl = Annotated[SecretStr | None, AfterValidator(_broker)]


class Settings(BaseModel):
    """All settings, each with its default; frozen. An empty URL means the embedded one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home, description="Folder of all local data.")
    stage: str = Field(
        default="",
        max_length=40,
        pattern="^[a-z0-9-]*$",
        description="Name of this stage, such as production; another one's database is refused.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the API listens on.")
    port: int = Field(default=8600, ge=1, le=65535, description="Port that the API listens on.")
    locale: str = Field(default="en", description="BCP 47 or POSIX locale of messages to people.")

    database_url: DatabaseUrl = Field(
        default=None,
        description="PostgreSQL 16 or newer as the owner role; empty: the embedded server.",
    )
    database_app_url: DatabaseUrl = Field(
        default=None,
        description="The same database as roadworthy_app; empty: derived from database_url.",
    )
    database_worker_url: DatabaseUrl = Field(
        default=None, description="The same database as roadworthy_worker; empty: derived."
    )
    database_read_url: ReplicaUrl = Field(
        default=None,
        description="A streaming replica that searches may read, without a login; empty: none.",
    )
    database_connections: int = Field(
        default=8, ge=2, le=200, description="Pool size of one process, for each server."
    )

    broker_url: BrokerUrl = Field(
        default=None,
        description="amqp://, amqps:// or kafka:// URL of what wakes workers; empty: PostgreSQL.",
    )
    broker_queue: str = Field(
        default="roadworthy.jobs",
        pattern="^[A-Za-z0-9._-]{1,200}$",
        description="Queue of RabbitMQ, or topic and group of Kafka; another for each stage.",
    )
    max_queued_jobs: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Most documents of a tenant that wait to be read; more are told to wait.",
    )

    embeddings_url: HttpUrl = Field(
        default="", description="OpenAI-protocol base URL for embeddings; empty: the local engine."
    )
    embeddings_key: SecretStr | None = Field(
        default=None, description="Bearer key for embeddings_url."
    )
    embeddings_model: str = Field(default="e5-small", description="Model name at embeddings_url.")
    embeddings_query_prefix: str = Field(
        default="", max_length=200, description="What embeddings_model wants before a question."
    )
    embeddings_passage_prefix: str = Field(
        default="", max_length=200, description="What embeddings_model wants before a passage."
    )
    tokenizer_file: Path | None = Field(
        default=None, description="tokenizer.json of embeddings_model; empty: the local engine's."
    )
    chat_url: HttpUrl = Field(
        default="", description="OpenAI-protocol base URL for chat; empty: the local engine."
    )
    chat_key: SecretStr | None = Field(default=None, description="Bearer key for chat_url.")
    endpoints: dict[EndpointName, EndpointSettings] = Field(
        default={}, description="Further model endpoints by name, for the routes of releases."
    )
    price_book: Path | None = Field(
        default=None, description="TOML file of prices that come before the shipped ones."
    )
    rerank_url: HttpUrl = Field(
        default="",
        description="Base URL for reranking, before /rerank; empty: none, or the local engine.",
    )
    rerank_key: SecretStr | None = Field(default=None, description="Bearer key for rerank_url.")
    rerank_model: str = Field(
        default="",
        description="Model name at rerank_url; empty: its only one, asked as by TEI's protocol.",
    )
    engine_threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Threads of the local engine; empty: processors - 1.",
    )
    model_timeout_s: float = Field(
        default=60, gt=0, le=3600, description="Limit of one model call."
    )

    pseudonym_key: SecretStr | None = Field(
        default=None, description="Key of the pseudonyms in traces; empty: made once in home."
    )
    passage_tokens: int = Field(
        default=256,
        ge=32,
        le=8000,
        description="Most tokens of a passage, by its space's tokenizer.",
    )
    passage_overlap_tokens: int = Field(
        default=0, ge=0, le=4000, description="Tokens that a passage repeats of the one before it."
    )
    max_upload_mb: int = Field(default=50, ge=1, le=1000, description="Largest file accepted.")
    parse_timeout_s: float = Field(
        default=120,
        gt=0,
        le=3600,
        description="Limit of reading one file, and of each scanned page of it.",
    )
    parse_memory_mb: int = Field(
        default=2000, ge=256, le=64000, description="Limit of the parser process."
    )
    max_unpacked_mb: int = Field(
        default=500, ge=10, le=10_000, description="To how much an Office file may unpack."
    )
    max_pages: int = Field(default=5000, ge=1, le=100_000, description="Most pages of one file.")
    max_scanned_pages: int = Field(
        default=200, ge=1, le=10_000, description="Most pages of one file that are recognised."
    )
    max_attachments: int = Field(
        default=50, ge=0, le=1000, description="Most files taken out of one mail."
    )
    max_concurrent_answers: int = Field(
        default=64,
        ge=1,
        le=10000,
        description="Answers at once, and as many searches by themselves; more wait.",
    )
    max_waiting_answers: int = Field(
        default=64,
        ge=0,
        le=10000,
        description="Length of that line; the tenant with most in it is sent away first (429).",
    )
    max_wait_s: float = Field(
        default=5, gt=0, le=600, description="Longest wait in line; then 429 is answered."
    )
    max_concurrent_searches: int | None = Field(
        default=None,
        ge=1,
        le=10000,
        description="Searches at once, those of answers too; empty: database_connections - 2.",
    )
    answer_timeout_s: float = Field(
        default=120, gt=0, le=3600, description="Limit of one answer, waiting included; then 503."
    )
    later_timeout_s: float = Field(
        default=600,
        gt=0,
        le=3600,
        description="Limit of one answer that nobody waits for; then it is tried again.",
    )
    second_person: bool = Field(
        default=False,
        description="Sensitive commands are done only when a second person has granted them.",
    )
    webhook_origins: Origins = Field(
        default=(),
        description="Origins of receivers that webhooks may tell, with commas; empty: none.",
    )
    webhook_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        validate_default=True,
        description="What the webhook secrets of tenants are derived from; with webhook_origins.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token for /metrics; empty: open, and silent about what is spent.",
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="Log level."
    )

    @property
    def names_database(self) -> bool:
        """Tell whether a database of somebody else's is to be used."""
        named = (self.database_url, self.database_app_url, self.database_worker_url)
        return any(url is not None for url in named)

    @property
    def needs_engine(self) -> bool:
        """Tell whether anything is left for the local engine to do."""
        reranks = bool(self.rerank_model) and not self.rerank_url
        return reranks or not (self.embeddings_url and self.chat_url)

    @field_validator("webhook_key")
    @classmethod
    def _signs(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if key is None and info.data.get("webhook_origins"):
            raise ValueError("must be given with webhook_origins: 32 characters drawn by chance")
        return key

    @model_validator(mode="after")
    def _overlap_fits(self) -> Self:
        if 2 * self.passage_overlap_tokens > self.passage_tokens:
            raise ValueError("passage_overlap_tokens may be at most half of passage_tokens")
        return self

    def masked(self) -> dict[str, str]:
        """Show each setting as text, secrets as ********."""
        told = {name: str(value) for name, value in self}
        return told | {
            "endpoints": shown(self.endpoints) if self.endpoints else "",
            "webhook_origins": ", ".join(self.webhook_origins),
        }


def load_settings(
    environ: Mapping[str, str] | None = None, *, overrides: Mapping[str, object] | None = None
) -> Settings:
    """Read the file, the environment and the command line's overrides, the last word wins.

    Raises:
        Invalid: a name is unknown or a value unusable; the sentence names the setting.
    """
    environ = os.environ if environ is None else environ
    values = _from_file(environ) | _from_environment(environ)
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    values["endpoints"] = with_keys(values.get("endpoints", {}), environ)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "passage_overlap_tokens"
        variable = PREFIX + name.partition(".")[0].upper()
        raise Invalid(
            f"The setting {name} ({variable}) is wrong: {first['msg']}.", setting=name
        ) from None


def process_locales(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Read the locales that the environment of this process names: LANG and every LC_*."""
    environ = os.environ if environ is None else environ
    return {
        name: value
        for name, value in sorted(environ.items())
        if value and (name == "LANG" or name.startswith("LC_"))
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    named = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environ.items()
        if key.startswith(PREFIX) and key != f"{PREFIX}CONFIG" and not KEY_OF.fullmatch(key)
    }
    _refuse_unknown(named, where="the environment", spelled=lambda name: PREFIX + name.upper())
    told: dict[str, object] = {name: value for name, value in named.items() if value != ""}
    if isinstance(endpoints := told.get("endpoints"), str):
        told["endpoints"] = endpoints_from_json(endpoints)
    return told


def _from_file(environ: Mapping[str, str]) -> dict[str, object]:
    named = environ.get(f"{PREFIX}CONFIG")
    path = Path(named or CONFIG_FILE)
    if not path.is_file():
        if named:
            raise Invalid(f"The file {path}, named by {PREFIX}CONFIG, does not exist.")
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is no valid TOML: {error}.") from error
    _refuse_unknown(values, where=str(path), spelled=lambda name: name)
    return values


def _refuse_unknown(
    values: Mapping[str, object], *, where: str, spelled: Callable[[str], str]
) -> None:
    for name in values:
        if name not in Settings.model_fields:
            raise Invalid(
                f"{spelled(name)} in {where} is no setting of Roadworthy; correct the name or "
                "remove it. `roadworthy config show` lists them all.",
                setting=spelled(name),
            )
