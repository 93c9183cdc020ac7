"""A command group that imports a command when it is called, and not to list it.

The models' libraries take a second to import; `roadworthy --help` takes a fifth of one.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

from typer._click import Command, Context  # Typer names the types of its overrides nowhere else
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# These may stand anywhere on the command line, as people write them.
EVERYWHERE = ("--home", "--tenant", "--as")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command is: a Typer application in a module."""

    module: str
    name: str
    help: str


class LazyGroup(TyperGroup):
    """The top of the command line; a subclass names its places."""

    places: Mapping[str, Place] = {}
    aliases: Mapping[tuple[str, ...], str] = {}

    def list_commands(self, ctx: Context) -> list[str]:
        """List the commands in the order of the table."""
        del ctx
        return list(self.places)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Give a stub, which is enough for a list."""
        del ctx
        place = self.places.get(cmd_name)
        return TyperCommand(name=cmd_name, help=place.help) if place else None

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Give the command itself, which an alias of two words may name."""
        if alias := self.aliases.get(tuple(args[:2])):
            args = [alias, *args[2:]]
        name, found, rest = super().resolve_command(ctx, args)
        if name is None or found is None:
            return name, found, rest
        place = self.places[name]
        application = getattr(importlib.import_module(place.module), place.name)
        return name, get_command(application), rest

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the options that may stand anywhere, then the rest."""
        return super().parse_args(ctx, hoisted(args))


def hoisted(args: list[str]) -> list[str]:
    """Move the options that may stand anywhere to the front; what follows `--` stays."""
    front, rest = [], []
    words = iter(args)
    for word in words:
        if word == "--":
            return [*front, *rest, word, *words]
        if word in EVERYWHERE:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.startswith(tuple(f"{name}=" for name in EVERYWHERE)):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]
