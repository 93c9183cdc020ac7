"""Which passages are searched in which space, and by whose rules their terms are made."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from roadworthy.core.errors import Invalid
from roadworthy.core.locales import UNDETERMINED, language_of
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.languages import Spoken
from roadworthy.corpus.terms import METHOD, has_rules

EVERY = "*"  # the fallback: whatever language has no route of its own
AUTO = "auto"  # each passage by the rules of its own language
DETECTED_AS = {"nb": "no"}  # Bokmål is what is detected as Norwegian; Nynorsk is told apart
MOST_SPACES = 4  # that one corpus is searched in: a question is embedded in each


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where passages of one language are searched, and by whose rules."""

    language: str
    space_id: int
    text_search: str  # auto, und (no rules) or a language


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A space that passages are embedded in and not searched in, ready to be switched to."""

    language: str  # or EVERY
    space_id: int
    is_whole: bool  # it was seen to hold every passage, and is kept so


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How a corpus is searched. Invariant: the space `space_id` holds every passage."""

    space_id: int
    text_search: str = AUTO
    routes: tuple[Route, ...] = ()
    beside: tuple[Beside, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Say whether every language is searched in the one space."""
        return not self.routes

    def space_of(self, language: str) -> int:
        """Give the space that passages of a language are searched in."""
        return self._routes.get(language, self._fallback).space_id

    def text_search_of(self, language: str) -> str:
        """Name the rules by which the terms of a language are made."""
        return self._routes.get(language, self._fallback).text_search

    def analysis_of(self, language: str) -> str:
        """Name what makes the terms of a passage: the method, and the rules if not its own."""
        rules = self.text_search_of(language)
        return METHOD if rules in {AUTO, language} else f"{METHOD}:{rules}"

    def must_hold(self, language: str) -> frozenset[int]:
        """Give the spaces that a passage of a language is searched in."""
        return frozenset({self.space_id, self.space_of(language)})

    def wanted_by(self, language: str) -> frozenset[int]:
        """Give all spaces that a passage of a language is to be embedded in."""
        kept = {each.space_id for each in self.beside if each.language in {EVERY, language}}
        return self.must_hold(language) | kept

    def wanted(self, languages: Sequence[str]) -> dict[int, list[int]]:
        """Tell for each space which of some passages it is to hold, by their positions."""
        found: dict[int, list[int]] = {self.space_id: []}  # that space first
        for position, language in enumerate(languages):
            for space_id in sorted(self.wanted_by(language)):
                found.setdefault(space_id, []).append(position)
        return found

    @property
    def spaces(self) -> frozenset[int]:
        """Give all spaces that some passage is to be embedded in."""
        placed = (*self.routes, *self.beside)
        return frozenset({self.space_id, *(each.space_id for each in placed)})

    @property
    def whole(self) -> frozenset[int]:
        """Give the spaces that hold every passage."""
        kept = {e.space_id for e in self.beside if e.language == EVERY and e.is_whole}
        return frozenset({self.space_id} | kept)

    def searched_in(self) -> frozenset[int]:
        """Give the spaces that a question may be compared in, those kept whole included."""
        return self.whole | {route.space_id for route in self.routes}

    @property
    def _routes(self) -> dict[str, Route]:
        return {route.language: route for route in self.routes}

    @property
    def _fallback(self) -> Route:
        return Route(language=EVERY, space_id=self.space_id, text_search=self.text_search)


def rules_of(analysis: str, *, language: str) -> str:
    """Name the language by whose rules the terms of a passage were made."""
    return analysis.partition(":")[2] or language


def plan(
    routing: Routing,
    *,
    asked: Spoken,
    held: Collection[str],
    spaces: Mapping[int, EmbeddingSpace],
) -> dict[int, frozenset[str]]:
    """Decide in which spaces a question is compared with passages of which languages.

    Passages of a language are searched in its space when that serves the question's language too,
    else in the fallback, which holds them as well; and there too while the question's language is
    in doubt and their space knows only some. Where neither serves both, keywords alone find them:
    a vector is never compared where it means nothing.

    Args:
        asked: the question's language.
        held: the languages of the passages that may be found.
        spaces: those that are served here, by their ids.

    Returns:
        For each space the languages that are searched in it; none may be left.
    """
    chosen: dict[int, set[str]] = {}
    fallback = spaces.get(routing.space_id)
    for language in held:
        space = spaces.get(routing.space_of(language))
        if space and not (space.serves(asked.language) and space.serves(language)):
            space = None
        if fallback and _may_serve(fallback, asked.language) and _may_serve(fallback, language):
            in_doubt = space is not None and space.languages and not asked.is_certain
            space = fallback if space is None or in_doubt else space
        if space:
            chosen.setdefault(space.id, set()).add(language)
    return {space_id: frozenset(languages) for space_id, languages in chosen.items()}


def check_language(language: str) -> str:
    """Read a language that somebody names: a code, or a locale such as fr-CA.

    Raises:
        Invalid: it is no language; the sentence says why.
    """
    code = language_of(language)
    if code == UNDETERMINED:
        raise Invalid(f"{language!r} names no language; write a code such as 'fr'.")
    return DETECTED_AS.get(code, code)


def check_text_search(rules: str) -> str:
    """Refuse rules that do not exist.

    Raises:
        Invalid: they are neither auto, und, nor a language that has rules.
    """
    if rules in {AUTO, UNDETERMINED} or (len(rules) <= 3 and has_rules(rules)):
        return rules
    raise Invalid(
        f"There are no text-search rules {rules[:40]!r}; write auto (each language by its own), "
        "und (none) or a language such as en."
    )


def _may_serve(fallback: EmbeddingSpace, language: str) -> bool:
    # What nobody can tell the language of is left to the fallback, whatever that serves.
    return language == UNDETERMINED or fallback.serves(language)
