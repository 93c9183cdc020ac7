"""Make the last question of a conversation whole, without a model.

"And in Spain?" finds nothing by itself. A question that leans on what was said before is searched
for together with the question before it.
"""

import re
from collections.abc import Sequence

from roadworthy.core.errors import Invalid
from roadworthy.gateway.chat import Message

MOST_TURNS = 200
LONGEST_CARRIED = 600  # characters of the earlier question

# Words that begin a follow-up, or point at something said before.
FOLLOW_UP = re.compile(
    r"^\W*(and|but|so|or|what about|how about|what if|et|mais|ou|qu'en est-il|y|pero|o|qué hay de|"
    r"und|aber|oder|was ist mit|e|ma|mas)\b",
    re.IGNORECASE,
)
POINTING = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|his|her|one|ones|"
    r"il|elle|ils|elles|celui|celle|ceux|celles|cela|ça|leur|leurs|"
    r"ello|ellos|ellas|eso|esto|esos|esas|ese|esa|su|sus|"
    r"er|sie|es|diese[rsmn]?|davon|dafür|dazu)\b",
    re.IGNORECASE,
)
FEW_WORDS = 3


def whole_question(turns: Sequence[Message]) -> str:
    """Give the last question, led by the one before it when it leans on that.

    Raises:
        Invalid: there is no turn, too many, or the last one is not the user's.
    """
    if not turns or turns[-1].role != "user" or not turns[-1].content.strip():
        raise Invalid("The last message must be a question of the user.")
    if len(turns) > MOST_TURNS:
        raise Invalid(f"A conversation has at most {MOST_TURNS} messages.")
    question = turns[-1].content.strip()
    earlier = [turn.content.strip() for turn in turns[:-1] if turn.role == "user"]
    if earlier and _leans(question):
        return f"{earlier[-1][:LONGEST_CARRIED]}\n{question}"
    return question


def _leans(question: str) -> bool:
    return bool(
        FOLLOW_UP.search(question)
        or POINTING.search(question)
        or len(question.split()) <= FEW_WORDS
    )
