"""What traces call a person: a keyed hash, by the one key of an installation."""

import hashlib
import hmac
from dataclasses import dataclass, field

from psycopg.rows import scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid
from roadworthy.core.identity import Principal
from roadworthy.plumbing.database import WorkerConnection

RECORD = """
INSERT INTO pseudonym_key (mark, created_at) VALUES (%(mark)s, %(now)s)
ON CONFLICT (is_only) DO NOTHING
"""
READ = "SELECT mark FROM pseudonym_key"


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Gives people's pseudonyms."""

    key: str = field(repr=False)

    def __call__(self, principal: Principal) -> str:
        """Give 32 hexadecimal digits."""
        return self._keyed(f"{principal.tenant_id}/{principal.user_id}")

    @property
    def mark(self) -> str:
        """What tells this key from others, and does not tell it."""
        return self._keyed("mark")  # no person's, for it has no slash

    async def agree(self, conn: WorkerConnection) -> None:
        """Be the key of this database, or find that it is.

        Raises:
            Invalid: its traces are by another key.
        """
        await conn.execute(RECORD, {"mark": self.mark, "now": now()})
        async with conn.cursor(row_factory=scalar_row) as cursor:
            [mark] = await (await cursor.execute(READ)).fetchall()
        if mark != self.mark:
            raise Invalid(f"{OTHER_KEY} {OTHER_KEY_MEND}")

    def _keyed(self, text: str) -> str:
        return hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


OTHER_KEY = (
    "The traces of this database name people by another key than the setting pseudonym_key "
    "(ROADWORTHY_PSEUDONYM_KEY) or the file pseudonym.key in home: deleting a person would not "
    "find what they asked."
)
OTHER_KEY_MEND = (
    "Set it to the one that the other hosts of this installation have; if that is lost, "
    "`roadworthy migrate --adopt` goes on with this one."
)
