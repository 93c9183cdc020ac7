"""Ways to ask for one thing in other words: phrases, and what small words do in a question.

A word that is not listed here counts, and one of the stop words goes with the word behind it. A
word too many costs a model call, a word too few a wrong answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Phrases = tuple[tuple[re.Pattern[str], str], ...]

NEVER = re.compile(r"(?!)")


@dataclass(frozen=True, slots=True)
class Wordings:
    """How questions of one language are brought into one wording."""

    phrases: Phrases  # in their order
    idle: frozenset[str]  # articles, where they are no pronouns: they change nothing
    pronouns: frozenset[str] = frozenset()  # and question words
    verbs: Sequence[frozenset[str]] = ()  # by kinds: what must or may, then auxiliaries
    negations: frozenset[str] = frozenset()  # that stand before or behind what must or may
    opening: frozenset[str] = frozenset()  # what stands behind them may be put in front
    duties: Phrases = ()  # what must or may, after the other phrases
    unsure: re.Pattern[str] = NEVER  # with it, duties would say something else

    @property
    def loose(self) -> frozenset[str]:
        """Words that count wherever they stand, but in their order by kinds."""
        return frozenset[str]().union(*self.verbs)

    @property
    def ordered(self) -> Sequence[frozenset[str]]:
        """Words that count as they follow others of their kind: "peut ne pas", "ne peut pas"."""
        first, *others = self.verbs or (frozenset[str](),)
        return [first | self.negations, *others]


def _phrases(table: Mapping[str, str]) -> Phrases:
    return tuple(
        (re.compile(rf"(?<!\w)(?:{found})(?!\w)"), f" {instead} ")
        for found, instead in table.items()
    )


def _leads(found: str) -> str:
    """Find what may come before a question, where a sentence or a part of one begins."""
    return rf"(?:^|(?<=[.!?,:;\n\u00bf\u00a1]))\s*(?:{found})"


def _numbers(names: str) -> dict[str, str]:
    """Write numbers as digits: of each "two 2"."""
    return dict(re.findall(r"(\w+) (\d+)", names))


_IDLE_ENGLISH = "a an the"
_PRONOUNS_ENGLISH = "what which who how where why i me we us you he him she her they them it"
_MODALS_ENGLISH = "may must will would shall should can could"
_TENSES_ENGLISH = "is was has have had be been being"
_SUPPORT_ENGLISH = "do did"
_OPENING_ENGLISH = (  # without "to", for what follows may be a verb
    "of in on for about from into with without within before after above below over under"
    " between until since during against through per as if when while because"
)
# Who or what must or may: within one clause.
_SUBJECT_ENGLISH = (
    r"((?:(?!\b(?:if|when|while|because|since|until|before|after|that|whether|what|who|how|where"
    r"|why|do)\b)[^.,:;!?\n]){1,40}?)"
)

_IDLE_GERMAN = "ein eine"
_PRONOUNS_GERMAN = (
    "was wer wen wem wie wo wann warum ich mich mir wir uns du dich dir ihr Ihr euch sie Sie ihnen"
    " Ihnen er ihn ihm es man sich"
)
_MODALS_GERMAN = "darf darfst dürfen kann kannst können muss musst müssen soll sollen wird werden"
_TENSES_GERMAN = "ist sind bin hat habe haben hast habt hatte hatten war waren wurde wurden"
_OPENING_GERMAN = (
    "von bis zu in an für bei auf aus mit ohne nach vor seit während über unter zwischen gegen"
    " durch um wegen wenn weil"
)

_IDLE_FRENCH = "un une"
_PRONOUNS_FRENCH = (
    "qui quel quand où comment pourquoi que qu ce c je j me m tu te t il elle on nous vous ils"
    " elles lui leur se s y"
)
_MODALS_FRENCH = "peux peut peuvent dois doit doivent faut"
_TENSES_FRENCH = "est a ai as ont avons avez sera seront été"
_OPENING_FRENCH = (
    "de à en dans pour par avec sans sous sur vers depuis jusqu avant après pendant entre chez "
    " contre selon si"
)

_IDLE_SPANISH = "el un una unos unas"
_PRONOUNS_SPANISH = (
    "que qué quién cuál cuándo cómo dónde yo me tú te él ella ello nos ellos ellas le les usted"
    " ustedes se"
)
_MODALS_SPANISH = "puedo puede pueden podemos debo debe deben"
_TENSES_SPANISH = "es está ha han hay fue será tiene tienen tengo"
_OPENING_SPANISH = (
    "de a en para por con sin sobre bajo desde hasta entre contra según durante tras si"
)

ENGLISH = Wordings(
    _phrases(
        {
            r"can't|cannot": "can not",
            r"won't": "will not",
            r"(\w+)n't": r"\1 not",
            r"(what|who|where|when|how|it|that|there)'s": r"\1 is",
            r"(?:(?<=\bis )|(?<=\bthe ))([\w-]+)'s (\w+(?: \w+)?)(?=\s*(?:[?.,;]|$))": r"\2 of \1",
            r"([\w-]+)'s": r"of \1",
            r"(\w+)'ll": r"\1 will",
            r"(\w+)'ve": r"\1 have",
            r"(\w+)'(?:re|m)": r"\1",
            r"please|kindly|by any chance|exactly|actually|currently": "",
            _leads(
                r"(?:(?:can|could|would|will) you )?(?:tell|give) me (the|my|our)"
            ): r"what is \1",
            _leads(
                r"(?:can|could|would|will) (?:you|anyone|someone) (?:tell|show|explain) (?:me|us)"
            ): "",
            _leads(r"tell (?:me|us)|(?:do|does) (?:you|anyone) know"): "",
            _leads(r"i (?:want|need|wish|would like|d like|have) to (?:know|find out|ask)"): "",
            _leads(r"i (?:would )?like to know|i(?: a)?m (?:wondering|asking)|i wonder"): "",
            r"a (few|little)": r"a\1",
            r"(?:what|which) (?:is|are) the (?:total )?(?:number|count) of": "how many",
            r"(?:what|which) (?:is|are) the (?:total )?amount of": "how much",
            r"how much (?:do|does|is|are) (.{1,60}?) cost": r"what price \1",
            r"(?:what|which) (?:is|are) the (?:price|cost)s? (?:of|for)": "what price",
            r"how (?:can|could|may|do|does|shall) (i|we|you|one)": r"how \1",
            r"(?:what|which) (?:person|people)": "who",
            r"on (?:what|which) (?:date|day)": "on what day",
            r"at (?:what|which) time": "what time",
            r"at": "in",
            r"in (?:what|which) (?:place|location)|whereabouts": "where",
            r"for how long": "how long",
            r"for (?:what|which) reason|how come|what is the reason (?:for|that|why)": "why",
            r"receives?|obtains?|gets?": "get",
            r"which": "what",
            r"whom": "who",
            r"(?:is|are) there": "",
            r"are|am": "is",
            r"were": "was",
            r"does": "do",
            r"every": "each",
            r"begins?|commences?": "start",
            r"purchas(?:es|e|ing)": "buy",
            r"telephones?": "phone",
            r"big": "large",
            r"fast": "quickly",
            r"firm": "company",
            r"e-mails?": "email",
            r"workers?|personnel|staff members?|employees": "employee",
            r"max|at most": "maximum",
            r"min|at least": "minimum",
            r"per cent": "percent",
            **_numbers(
                "zero 0,two 2,three 3,four 4,five 5,six 6,seven 7,eight 8,nine 9,ten 10,eleven 11,"
                "twelve 12,fifteen 15,twenty 20,thirty 30,forty 40,fifty 50,sixty 60,ninety 90"
            ),
        }
    ),
    idle=frozenset(_IDLE_ENGLISH.split()),
    pronouns=frozenset(_PRONOUNS_ENGLISH.split()),
    verbs=(
        frozenset(_MODALS_ENGLISH.split()),
        frozenset(_TENSES_ENGLISH.split()),
        frozenset(_SUPPORT_ENGLISH.split()),
    ),
    opening=frozenset(_OPENING_ENGLISH.split()),
    duties=_phrases(
        {
            r"is it (?:allowed|permitted) (?:for (\w+) )?to": r"may \1",
            r"is it possible (?:for (\w+) )?to": r"can \1",
            rf"is {_SUBJECT_ENGLISH} (?:allowed|permitted) to": r"may \1",
            rf"do {_SUBJECT_ENGLISH} have to": r"must \1",
            rf"is {_SUBJECT_ENGLISH} (?:required|obliged|obligated) to": r"must \1",
            r"(?:have|has|need|needs|required|obliged) to": "must",
            r"(?:may|^could) (i|we)": r"can \1",
        }
    ),
    # Who does not have to sign may sign; how long I have to pay is no time for which I must.
    unsure=re.compile(
        r"\b(?:not?|never|nobody|none|nothing|neither|nor|without|hardly)\b"
        r"|(?:^|[.?!\n])[^\w.?!\n]*+how (?:long|much time|many \w+)"
    ),
)
GERMAN = Wordings(
    _phrases(
        {
            r"bitte|eigentlich|genau|denn": "",
            _leads(
                r"(?:können|könnten|kannst|könntest) (?:[sS]ie|du) (?:mir|uns)\s+(?:sagen|erklären)"
            ): "",
            _leads(r"(?:sagen [sS]ie|sag) mir|wissen [sS]ie|weißt du"): "",
            _leads(r"ich (?:möchte|will|würde gerne?) wissen"): "",
            r"ein (wenig|paar)": r"ein\1",
            r"(?:was|wie viel|wieviel) kosten?t?|wie (?:hoch ist der preis|teuer ist)": "preis",
            r"wie (?:hoch|groß) ist die (?:an)?zahl (?:der|von)|wieviele": "wie viele",
            r"wieviel": "wie viel",
            r"aus welchem grund|weshalb|wieso": "warum",
            r"zu welchem zeitpunkt": "wann",
            r"am": "an dem",
            r"im": "in dem",
            r"ins": "in das",
            r"zum": "zu dem",
            r"zur": "zu der",
            r"beim": "bei dem",
            r"vom": "von dem",
            r"beschäftigte|angestellte": "mitarbeiter",
            r"firma": "unternehmen",
            r"anfangen|anfängt|fängt an": "beginnt",
            **_numbers(
                "zwei 2,drei 3,vier 4,fünf 5,sechs 6,sieben 7,acht 8,neun 9,zehn 10,elf 11,"
                "zwölf 12,fünfzehn 15,zwanzig 20,dreißig 30"
            ),
        }
    ),
    idle=frozenset(_IDLE_GERMAN.split()),
    pronouns=frozenset(_PRONOUNS_GERMAN.split()),
    verbs=(frozenset(_MODALS_GERMAN.split()), frozenset(_TENSES_GERMAN.split())),
    opening=frozenset(_OPENING_GERMAN.split()),
    duties=_phrases({r"darf ich": "kann ich", r"dürfen wir": "können wir"}),
    unsure=re.compile(r"\b(?:nicht|nichts|nie|niemals|niemand\w*|kein\w*|ohne|weder|kaum)\b"),
)
FRENCH = Wordings(
    _phrases(
        {
            r"s'il vous plaît|exactement|au juste": "",
            r"combien coûte(?:nt)?|quel est le prix (?:de|du|d')": "prix",
            r"(\w+)-(?:t-)?(il|elle|ils|elles|on)": r"\1 \2",
            _leads(
                r"(?:pouvez|pourriez)-vous (?:me|nous) (?:dire|expliquer)|dites-moi|savez-vous|"
                r"(?:je|j')\s?(?:voudrais|veux|aimerais|souhaite) savoir"
            ): "",
            r"un (peu)": r"un\1",
            r"qu'est-ce que": "que",
            r"est-ce que": "",
            r"quel est le nombre (?:de|d')": "combien de",
            r"pour quelle raison|pourquoi": "pourquoi",
            r"à quel moment|à quelle date": "quand",
            r"quel(?:le|s|les)": "quel",
            r"puis-je": "peux je",
            r"dois-je": "dois je",
            r"sont": "est",
            r"du|des|d": "de",
            r"aux?": "à",
            r"(?:employé|salarié|collaborateur)s?": "salarié",
            r"société|firme": "entreprise",
            r"débuter?|démarrer?|débute|démarre": "commence",
            **_numbers(
                "deux 2,trois 3,quatre 4,cinq 5,six 6,sept 7,huit 8,neuf 9,dix 10,onze 11,douze 12,"
                "quinze 15,vingt 20,trente 30"
            ),
        }
    ),
    idle=frozenset(_IDLE_FRENCH.split()),
    pronouns=frozenset(_PRONOUNS_FRENCH.split()),
    verbs=(frozenset(_MODALS_FRENCH.split()), frozenset(_TENSES_FRENCH.split())),
    negations=frozenset({"ne", "n", "pas"}),
    opening=frozenset(_OPENING_FRENCH.split()),
    duties=_phrases({r"ai-je le droit de": "peux je"}),
    unsure=re.compile(r"\b(?:ne|n|pas|jamais|aucun\w*|personne|rien|sans|ni)\b"),
)
SPANISH = Wordings(
    _phrases(
        {
            r"por favor|exactamente": "",
            _leads(
                r"(?:me |nos )?(?:puede|puedes|podría|podrías) (?:decir|explicar)(?:me|nos)?"
            ): "",
            _leads(r"d[ií]game|dime|sabe usted|sabes|(?:quiero|quisiera|me gustaría) saber"): "",
            r"un([oa]?s?) (poc[oa]s?)": r"un\1\2",
            r"cuánto cuestan?|qué precio tiene|cuál es el precio de(?:l)?|cuánto vale": "precio",
            r"cuál es (?:el número|la cantidad) de": "cuántos",
            r"cuánt[oa]s?": "cuántos",
            r"cuáles": "cuál",
            r"por qué motivo|por qué razón": "por qué",
            r"en qué momento|en qué fecha": "cuándo",
            r"está permitido": "se permite",
            r"son": "es",
            r"están": "está",
            r"del": "de",
            r"al": "a",
            r"trabajador(?:es)?": "empleado",
            r"compañía": "empresa",
            r"comienza|inicia": "empieza",
            **_numbers(
                "dos 2,tres 3,cuatro 4,cinco 5,seis 6,siete 7,ocho 8,nueve 9,diez 10,once 11,"
                "doce 12,quince 15,veinte 20,treinta 30"
            ),
        }
    ),
    idle=frozenset(_IDLE_SPANISH.split()),
    pronouns=frozenset(_PRONOUNS_SPANISH.split()),
    verbs=(frozenset(_MODALS_SPANISH.split()), frozenset(_TENSES_SPANISH.split())),
    negations=frozenset({"no"}),
    opening=frozenset(_OPENING_SPANISH.split()),
    duties=_phrases(
        {
            r"tengo que": "debo",
            r"tenemos que": "debemos",
            r"tienen que": "deben",
            r"tiene que": "debe",
        }
    ),
    unsure=re.compile(r"\b(?:no|nunca|nadie|ning\w+|nada|sin|ni|tampoco|jamás)\b"),
)
WORDINGS = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}
OTHER = Wordings((), frozenset())  # every word counts
