"""Tell a question from claims and keywords: by its mark, or by a question word that it begins with.

Who types in a hurry leaves the mark out: of PIAF's questions one in twenty lacks it.
"""

import re

MARKS = "?？؟¿"
# By language; as the first or the second word of a text: "In which hall", "À quelle date".
BEGIN = {
    "ar": "ما ماذا من متى أين كيف لماذا كم أي أية هل",
    "de": "welche welcher welches welchen welchem wer wen wem wessen wann wo woher wohin warum "
    "wieso weshalb wie wofür womit",
    "en": "what which who whom whose when where why how",
    "es": "qué cuál cuáles quién quiénes cuándo dónde cómo cuánto cuánta cuántos cuántas",
    "fr": "qu que quoi qui quel quelle quels quelles quand où comment pourquoi combien lequel "
    "laquelle",
    "ru": "что кто кого кому кем чем чей чья чьё чьи какой какая какое какие каких каким какую "
    "каком как когда где куда откуда почему зачем сколько",
}
FIRST = "was"  # German; as a second word it is English: "Telnet was sold"
# Chinese asks anywhere. "Any", "almost" and "geometry" are written with the same characters.
ANYWHERE = r"什么|哪|谁|怎|多少|多久|(?<![任几])何|几(?![乎何])|吗\W*\Z"

_WORDS = "|".join(" ".join(BEGIN.values()).split())
_ASKS = re.compile(
    rf"\W*(?:{FIRST}\b|(?:\w+\W+)?(?:{_WORDS})\b)|.*(?:[{MARKS}]|{ANYWHERE})",
    re.IGNORECASE | re.DOTALL,
)


def is_question(text: str) -> bool:
    """Tell whether a text looks like a question in one of seven languages, or has a mark of one."""
    return _ASKS.match(text) is not None
