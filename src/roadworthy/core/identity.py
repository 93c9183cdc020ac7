"""Who is asking: the record that every permission decision starts from."""

from dataclasses import dataclass

EVERYONE = "everyone"  # the group that each principal of a tenant belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or service inside one tenant. Invariant: clearance >= 0."""

    tenant_id: int
    user_id: str
    groups: frozenset[str]  # without EVERYONE, which all share
    clearance: int  # reads documents that need at most this level

    @property
    def subjects(self) -> list[str]:
        """Name what a grant may be addressed to: the user, each group, everyone."""
        return [
            f"user:{self.user_id}",
            f"group:{EVERYONE}",
            *(f"group:{g}" for g in sorted(self.groups)),
        ]
