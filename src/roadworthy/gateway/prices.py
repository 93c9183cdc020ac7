"""What models cost: a book of prices by endpoint and model."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadworthy.core.errors import Invalid
from roadworthy.gateway.uses import Use

MILLION = Decimal(1_000_000)
Usd = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Price(BaseModel):
    """What the models of a name cost, in USD: for a million tokens, and for a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)  # a pattern as of a shell: gpt-5*
    endpoint: str = "*"
    input: Usd
    output: Usd
    request: Usd = Decimal(0)  # for one, beside its tokens: as rerankers are sold

    def covers(self, model: str, endpoint: str) -> bool:
        """Tell whether this is the price of a model at an endpoint."""
        return fnmatchcase(model, self.model) and fnmatchcase(endpoint, self.endpoint)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: str = ""
    price: tuple[Price, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Prices; the first that covers a model is its price."""

    prices: Sequence[Price]

    def cost_usd(
        self,
        model: str,
        *,
        input_tokens: int,
        output_tokens: int = 0,
        endpoint: str = "",
        is_at_least: bool = False,
        requests: Decimal = Decimal(1),
    ) -> Decimal | None:
        """Tell what a call cost, exactly; None: nobody knows, which is not the same as 0.

        A price of 0 is one that the book tells: a model of the local engine.

        Args:
            is_at_least: so many tokens or more, since nobody told them; where they cost something,
                nobody knows how much.
            requests: how many; a part of one that others share.
        """
        for price in self.prices:
            if price.covers(model, endpoint):
                if is_at_least and (price.input or price.output):
                    return None
                tokens = price.input * input_tokens + price.output * output_tokens
                return tokens / MILLION + price.request * requests
        return None

    def cost_of(self, use: Use) -> Decimal | None:
        """Tell what a model cost that writes nothing; None as above."""
        return self.cost_usd(
            use.model,
            endpoint=use.endpoint,
            input_tokens=use.tokens,
            is_at_least=use.is_at_least,
            requests=use.share,
        )


def read_prices(own: Path | None = None) -> PriceBook:
    """Read the shipped prices, after those of a file of one's own.

    Raises:
        Invalid: that file cannot be read, or is no price book; the sentence says where.
    """
    shipped = resources.files("roadworthy.gateway") / "prices.toml"
    prices = _read(shipped.read_text("utf-8"), where="The shipped price book")
    if own is not None:
        prices = (*_read(_text(own), where=f"The price_book {own}"), *prices)
    return PriceBook(prices=prices)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The file {path} of the setting price_book cannot be read.") from error


def _read(text: str, *, where: str) -> tuple[Price, ...]:
    try:
        # As they are written: a float would make 0.1 of something that is not quite 0.1.
        return _File.model_validate(tomllib.loads(text, parse_float=Decimal)).price
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{where} is no valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"{where} is wrong at {field}: {first['msg']}.") from error
