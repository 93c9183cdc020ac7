"""Prompts as versioned files with declared inputs."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadworthy.core.errors import Invalid, Missing

__all__ = ["Prompt", "find_prompt", "parse_prompt"]

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
BRACES = re.compile(r"\{\{[^{}]*\}\}")
REFERENCE = re.compile(r"[a-z][a-z0-9_]*-[0-9]+")


class _Head(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    inputs: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A text with places for its inputs. Invariant: the places are exactly the inputs."""

    name: str
    version: int
    inputs: frozenset[str]
    text: str

    @property
    def reference(self) -> str:
        """Name this very version, as a release does."""
        return f"{self.name}-{self.version}"

    @property
    def hash(self) -> str:
        """Give the SHA-256 of the text in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def render(self, inputs: Mapping[str, str]) -> str:
        """Put the inputs in their places, once: a place inside an input stays as it is.

        Raises:
            Invalid: an input is missing, or is not declared.
        """
        if inputs.keys() != self.inputs:
            raise Invalid(
                f"The prompt {self.reference} takes {', '.join(sorted(self.inputs))}; "
                f"it was given {', '.join(sorted(inputs))}."
            )
        return PLACEHOLDER.sub(lambda place: inputs[place[1]], self.text)


def find_prompt(reference: str) -> Prompt:
    """Read the prompt `name-version` that is shipped.

    Raises:
        Missing: there is none of that name and version.
    """
    file = resources.files("roadworthy.prompts") / "files" / f"{reference}.md"
    if not REFERENCE.fullmatch(reference) or not file.is_file():
        raise Missing(f"There is no prompt {reference!r}.")
    return parse_prompt(file.read_text("utf-8"))


def parse_prompt(source: str) -> Prompt:
    """Read a prompt file: TOML between two lines of +++, then the text.

    Raises:
        Invalid: the head is no TOML, lacks a field, or declares other inputs than the text has.
    """
    _, _, rest = source.partition("+++\n")
    head, found, text = rest.partition("\n+++\n")
    if not found:
        raise Invalid("A prompt file begins with its fields between two lines of +++.")
    try:
        fields = _Head.model_validate(tomllib.loads(head))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise Invalid(f"A prompt needs name, version and inputs: {error}.") from error
    prompt = Prompt(
        name=fields.name,
        version=fields.version,
        inputs=frozenset(fields.inputs),
        text=text.strip(),
    )
    places = frozenset(braces[2:-2] for braces in BRACES.findall(prompt.text))
    if places != prompt.inputs:
        raise Invalid(
            f"The prompt {prompt.reference} declares {', '.join(sorted(prompt.inputs))}, "
            f"but its text has places for {', '.join(sorted(places))}."
        )
    return prompt
