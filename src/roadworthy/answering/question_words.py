"""Tell a question from claims and keywords: by its mark, or by a question word where it begins.

Who types in a hurry leaves the mark out: of PIAF's questions one in twenty lacks it.
"""

import re

MARKS = "?？؟¿"
# By language; as the first or the second word of a text: "In which hall", "À quelle date".
EARLY = {
    "ar": "ماذا بماذا من متى أين اين كيف لماذا كم أي اي بأي أية هل",
    "de": "welche welcher welches welchen welchem wer wen wem wessen wann wo woher wohin warum "
    "wieso weshalb wie wozu womit wofür wovon worüber worauf woran worin",
    "en": "what whats which who whom whose when where why how",
    "es": "qué cuál cuáles quién quiénes cuándo dónde adónde cómo cuán cuánto cuánta cuántos "
    "cuántas cual cuales quien quienes cuanto cuanta cuantos cuantas",
    "fr": "qu quoi qui quel quelle quels quelles quand où comment pourquoi combien lequel laquelle",
    "ru": "что чего чему чем чём кто кого кому кем чей чья чьё чье чьи какой какого какая какое "
    "какие каких каким какую каком каков какова каково каковы как когда где куда откуда почему "
    "зачем сколько скольких",
}
# As the first alone. Behind another word they ask nothing: "Telnet was sold", "Bien que".
FIRST = "was que est-ce ما"
# Chinese asks anywhere. "Any" and "geometry" are written with a character that also asks.
ANYWHERE = r"什[么麼]|哪|[谁誰]|怎|多少|多久|(?<![任几幾])何|[吗嗎]\W*\Z"

_EARLY = "|".join(" ".join(EARLY.values()).split())
_FIRST = "|".join(FIRST.split())
_ASKS = re.compile(
    rf"\W*(?:(?:{_FIRST})\b|(?:\w+\W+)?(?:{_EARLY})\b)|.*(?:[{MARKS}]|{ANYWHERE})",
    re.IGNORECASE | re.DOTALL,
)


def is_question(text: str) -> bool:
    """Tell whether a text looks like a question in one of seven languages, or has a mark of one."""
    return _ASKS.match(text) is not None
