"""What a corpus asks of its documents: the policy of their curation."""

from typing import Annotated, Literal

from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from roadworthy.core.errors import Invalid, Missing
from roadworthy.plumbing.database import Connection, WorkerConnection

READ = "SELECT policy FROM corpus WHERE tenant_id = %(tenant_id)s AND name = %(name)s"
WRITE = """
UPDATE corpus SET policy = %(policy)s WHERE tenant_id = %(tenant_id)s AND name = %(name)s
"""

Found = Literal["allow", "flag", "quarantine"]
Sensitive = Literal["allow", "mask", "quarantine"]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class CurationPolicy(BaseModel):
    """What is done about what a check finds. Allowed is still counted, and told in a verdict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    near_duplicates: Found = "quarantine"
    likeness: Annotated[float, Field(ge=0.5, le=1)] = 0.8  # of shared shingles, from which on
    keep: Literal["newest", "source"] = "newest"  # which of two near duplicates
    sources: Annotated[tuple[Short, ...], Field(max_length=50)] = ()  # name prefixes, best first
    boilerplate: Literal["allow", "remove"] = "remove"
    low_quality: Found = "quarantine"
    least_quality: Annotated[float, Field(ge=0, le=1)] = 0.5
    languages: Annotated[tuple[Language, ...], Field(max_length=50)] = ()  # none: any
    other_language: Found = "quarantine"
    contact_data: Sensitive = "allow"  # e-mail addresses, telephone numbers
    financial_data: Sensitive = "allow"  # cards, bank accounts
    identity_data: Sensitive = "allow"  # national numbers of persons, addresses of machines
    secrets: Sensitive = "quarantine"
    injection: Found = "flag"
    reviewers: Annotated[tuple[Short, ...], Field(max_length=50)] = ()  # groups, beside the owner


def policy_of(stored: object) -> CurationPolicy:
    """Read a policy from JSON or from its fields; what is left out has its default.

    Raises:
        Invalid: a field is unknown, or its value cannot be.
    """
    try:
        return CurationPolicy.model_validate(stored)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        known = ", ".join(CurationPolicy.model_fields)
        raise Invalid(f"The policy's {at!r} is wrong: {first['msg']}. It knows {known}.") from error


async def read_policy(conn: Connection, *, tenant_id: int, corpus: str) -> CurationPolicy:
    """Read the policy of a corpus.

    Raises:
        Missing: the tenant has no such corpus.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(READ, {"tenant_id": tenant_id, "name": corpus})
        found = await cursor.fetchone()
    if found is None:
        raise Missing(
            f"There is no corpus {corpus!r}; `roadworthy ingest --corpus {corpus}` makes one."
        )
    return policy_of(found)


async def write_policy(
    conn: WorkerConnection, policy: CurationPolicy, *, tenant_id: int, corpus: str
) -> None:
    """Set the policy of a corpus; it holds for what is read from now on.

    Raises:
        Missing: the tenant has no such corpus.
    """
    # Defaults are not stored: a better one of a later version then holds here, too.
    stored = Jsonb(policy.model_dump(mode="json", exclude_defaults=True))
    asked = {"tenant_id": tenant_id, "name": corpus, "policy": stored}
    if (await conn.execute(WRITE, asked)).rowcount == 0:
        raise Missing(f"There is no corpus {corpus!r}; `roadworthy corpus list` shows them.")
