"""What a conversation asks: its last question made whole, without a model.

"And in Spain?" finds nothing by itself. A question that leans on what was said before is searched
for together with the question before it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from roadworthy.core.errors import Invalid
from roadworthy.corpus.terms import query_terms
from roadworthy.gateway.chat import Message
from roadworthy.guardrails.questions import Question
from roadworthy.retrieval.query import Query, read_question
from roadworthy.retrieval.search import LONGEST_QUESTION, check_question

MOST_TURNS = 200
LONGEST_CARRIED = 600  # characters of the earlier question
LOOKED_BACK = 20  # questions, for the one that the last ones lean on

# Words that begin a follow-up ("E-mail" begins none) ...
BEGINS = re.compile(
    r"^\W*(?:and|but|or|so|what about|how about|what if|et|mais|ou|qu['’]en est-il|"
    r"y|pero|o|qué hay de|und|aber|oder|was ist mit|e|ma|mas)\s(?!a-t-)",
    re.IGNORECASE,
)
# ... words that always point back ...
ALONE = re.compile(
    r"\b(?:cela|ça|celui-ci|celle-ci|ceux-ci|celles-ci|eso|esto|ello|davon|dafür|dazu|darüber)\b",
    re.IGNORECASE,
)
# ... those that do when nothing else stands in the question ("IT" is none) ...
POINTS = re.compile(
    r"\b(?:(?-i:it|It)|its|they|them|this|that|these|those|one|he|she|him|"
    r"il|elle|ils|elles|l|eux|ellos|ellas|lo|er|ihn|ihm|das|damit)\b",
    re.IGNORECASE,
)
# ... and where they stand for nothing at all.
DUMMY = re.compile(r"\b(?:is it|does it take|it is|a-t-il|faut-il|gibt es)\b", re.IGNORECASE)
FEW_WORDS, FEW_TERMS = 2, 2
LANGUAGES = ("de", "en", "es", "fr")  # of the words above


def whole_question(turns: Sequence[Message]) -> Query:
    """Give the last question with its filters, led by the one before it when it leans on that.

    Raises:
        Invalid: there is no turn, too many, the last one is not the user's, or it is no text, empty
            or too long.
    """
    check_turns(turns)
    asked = turns[-1].content.strip()
    check_question(asked)
    query = read_question(asked)
    question = query.text
    earlier = _earlier(turns) if _leans(question) else []
    if not earlier:
        return query
    # "And in Italy?" after "And in Spain?" leans on what that one leaned on.
    stood = next((each for each in earlier if not _leans(each)), earlier[0])
    parts = dict.fromkeys([stood, earlier[0]])
    room = max(0, LONGEST_QUESTION - len(question) - 1)
    return replace(query, text="\n".join(parts)[:room] + f"\n{question}")


def _earlier(turns: Sequence[Message]) -> list[str]:
    """Give what was asked before the last question, the latest first, as far as it is carried."""
    asked = (turn.content for turn in reversed(turns[:-1]) if turn.role == "user")
    # Filters are those of the last question; in the others they are no words either.
    return [
        read_question(each.strip()[:LONGEST_CARRIED]).text for each in islice(asked, LOOKED_BACK)
    ]


def last_asked(turns: Sequence[Message]) -> str:
    """Give what the last turn asks, without its filters."""
    return read_question(turns[-1].content[:LONGEST_QUESTION]).text


def as_looked_for(turns: Sequence[Message], query: Query) -> Question:
    """Give guards the query of the turns; no question before it goes on in the last one."""
    last = last_asked(turns)
    text = f"{query.text.removesuffix(last)}\n{last}" if query.text.endswith(last) else query.text
    return Question(text=text, turn=turns[-1].content, asked=last, said=[query.text])


def as_conversed(turns: Sequence[Message]) -> Question:
    """Give guards all that a model will read, whoever said it: that is what the client says."""
    told = [turn for turn in turns if turn.content.strip()]
    return Question(
        text="\n\n".join(turn.content for turn in told),
        turn=told[-1].content,
        asked=last_asked(turns),
        said=[turn.content for turn in told if turn.role == "user"],
        written=[turn.content for turn in told if turn.role != "user"],
    )


def check_turns(turns: Sequence[Message]) -> None:
    """Refuse what is no conversation whose last turn is a question.

    Raises:
        Invalid: there is no turn, too many, the last one is not the user's, or it is no text.
    """
    if not turns or turns[-1].role != "user" or not turns[-1].content.strip():
        raise Invalid("The last message must be a question of the user.")
    if len(turns) > MOST_TURNS:
        raise Invalid(f"A conversation has at most {MOST_TURNS} messages.")
    check_encodable(turns[-1].content)


def check_encodable(question: str) -> None:
    """Refuse halves of surrogate pairs, such as a shell in another encoding hands over.

    Raises:
        Invalid: it holds one; nothing can be searched for it.
    """
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise Invalid("The question holds a character that is no text; type it anew.") from error


def _leans(question: str) -> bool:
    if BEGINS.search(question) or ALONE.search(question) or len(question.split()) <= FEW_WORDS:
        return True
    # "it" in a question with words enough of its own points at one of them.
    points = POINTS.search(question) and not DUMMY.search(question)
    return bool(points) and len(query_terms(question, LANGUAGES)) <= FEW_TERMS
