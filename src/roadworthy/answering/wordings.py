"""Ways to ask for one thing in other words: phrases, and what small words do in a question.

A word that is not listed here counts, and one of the stop words goes with the word behind it. A
word too many costs a model call, a word too few a wrong answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wordings:
    """How questions of one language are brought into one wording; all is in small letters."""

    phrases: tuple[tuple[re.Pattern[str], str], ...]  # in their order
    idle: frozenset[str]  # articles: they change nothing
    persons: frozenset[str] = frozenset()  # pronouns: loose, but in their order
    modals: frozenset[str] = frozenset()  # what must or may: likewise
    others: frozenset[str] = frozenset()  # question words, auxiliaries: loose
    opening: frozenset[str] = frozenset()  # what stands behind them may be put in front

    @property
    def loose(self) -> frozenset[str]:
        """Words that count wherever they stand."""
        return self.persons | self.modals | self.others


def _phrases(table: Mapping[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(rf"(?<!\w)(?:{found})(?!\w)"), f" {instead} ")
        for found, instead in table.items()
    )


def _numbers(names: str) -> dict[str, str]:
    """Write numbers as digits: of each "two 2"."""
    return dict(re.findall(r"(\w+) (\d+)", names))


_IDLE_ENGLISH = "a an the"
_OTHERS_ENGLISH = "what which who how where why is was do did has have had be been being"
_PERSONS_ENGLISH = "i me we us you he him she they them it"
_MODALS_ENGLISH = "may must will would shall should"
_OPENING_ENGLISH = (
    "of in on to for about from into with without within before after above below over under"
    " between until since during against through per as if when while because"
)

_IDLE_GERMAN = "der die das ein eine"
_OTHERS_GERMAN = (
    "sich was wer wen wem wie wo wann warum welche ist sind bin da dort hat habe haben hast habt"
    " hatte hatten war waren wurde wurden"
)
_PERSONS_GERMAN = "ich mich mir wir uns du dich dir ihr euch sie ihnen er ihn ihm es man"
_MODALS_GERMAN = "dürfen müssen soll sollen wird werden"
_OPENING_GERMAN = (
    "von vom bis zu in ins an für bei auf aus mit ohne nach vor seit während über unter zwischen"
    " gegen durch um wegen wenn weil"
)

_IDLE_FRENCH = "le la les l un une"
_OTHERS_FRENCH = (
    "se s y qui quel quand où comment pourquoi est ce c qu que a ai as ont avons avez sera"
    " seront été"
)
_PERSONS_FRENCH = "je j me m tu te t il elle on nous vous ils elles lui leur"
_MODALS_FRENCH = "peux peut peuvent dois doit doivent faut"
_OPENING_FRENCH = (
    "de à en dans pour par avec sans sous sur vers depuis jusqu avant après pendant entre chez "
    " contre selon si"
)

_IDLE_SPANISH = "el la los las lo un una unos unas"
_OTHERS_SPANISH = (
    "que es está se qué quién cuál cuándo cómo dónde ha han hay fue será tiene tienen tengo"
)
_PERSONS_SPANISH = "yo me tú te él ella ello nos ellos ellas le les usted ustedes"
_MODALS_SPANISH = "puedo puede pueden podemos debo debe deben"
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
            r"([\w-]+)'s (\w+(?: \w+)?)(?=\s*(?:[?.,;]|$))": r"\2 of \1",
            r"([\w-]+)'s": r"of \1",
            r"(\w+)'ll": r"\1 will",
            r"(\w+)'ve": r"\1 have",
            r"(\w+)'(?:re|m)": r"\1",
            r"please|kindly|by any chance|exactly|actually|currently": "",
            r"(?:(?:can|could|would|will) you )?(?:tell|give) me (the|my|our)": r"what is \1",
            r"(?:can|could|would|will) (?:you|anyone|someone) (?:tell|show|explain) (?:me|us)": "",
            r"tell (?:me|us)|(?:do|does) (?:you|anyone) know": "",
            r"i (?:want|need|wish|would like|d like|have) to (?:know|find out|ask)": "",
            r"i (?:would )?like to know|i(?: a)?m (?:wondering|asking)|i wonder": "",
            r"(?:what|which) (?:is|are) the (?:total )?(?:number|count) of": "how many",
            r"(?:what|which) (?:is|are) the (?:total )?amount of": "how much",
            r"how much (?:do|does|is|are) (.{1,60}?) cost": r"what price \1",
            r"(?:what|which) (?:is|are) the (?:price|cost)s? (?:of|for)": "what price",
            r"how (?:can|could|may|do|does|shall) (i|we|you|one)": r"how \1",
            r"(?:what|which) (?:person|people)": "who",
            r"on (?:what|which) (?:date|day)": "what day",
            r"(?:at|in|on) (?:what|which)": "what",
            r"at": "in",
            r"in (?:what|which) (?:place|location)|whereabouts": "where",
            r"for how long": "how long",
            r"for (?:what|which) reason|how come|what is the reason (?:for|that|why)": "why",
            r"(?:am|are|is) (.{1,40}?) (?:allowed|permitted) to": r"may \1",
            r"is it (?:possible|allowed|permitted) (?:for (\w+) )?to": r"may \1",
            r"(?:do|does) (.{1,40}?) have to": r"must \1",
            r"(?:am|are|is) (.{1,40}?) (?:required|obliged|obligated) to": r"must \1",
            r"(?:have|has|need|needs|required|obliged) to": "must",
            r"can|could": "may",
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
    persons=frozenset(_PERSONS_ENGLISH.split()),
    modals=frozenset(_MODALS_ENGLISH.split()),
    others=frozenset(_OTHERS_ENGLISH.split()),
    opening=frozenset(_OPENING_ENGLISH.split()),
)
GERMAN = Wordings(
    _phrases(
        {
            r"bitte|eigentlich|genau|denn": "",
            r"(?:können|könnten|kannst|könntest) (?:sie|du) (?:mir|uns)\s+(?:sagen|erklären)": "",
            r"(?:sagen sie|sag) mir|wissen sie|weißt du": "",
            r"ich (?:möchte|will|würde gerne?) wissen": "",
            r"(?:was|wie viel|wieviel) kosten?t?|wie (?:hoch ist der preis|teuer ist)": "preis",
            r"wie (?:hoch|groß) ist die (?:an)?zahl (?:der|von)|wieviele": "wie viele",
            r"wieviel": "wie viel",
            r"aus welchem grund|weshalb|wieso": "warum",
            r"zu welchem zeitpunkt": "wann",
            r"(?:darf|dürfen|kann|können|ist es erlaubt|ist es möglich)": "dürfen",
            r"(?:muss|müssen|musst)": "müssen",
            r"welche[rsmn]?": "welche",
            r"jede[rsmn]?": "jede",
            r"keine[rsmn]?|kein": "kein",
            r"am": "an",
            r"im": "in",
            r"zum|zur": "zu",
            r"beim": "bei",
            r"beschäftigte[rn]?|angestellte[rn]?|mitarbeiterinnen|mitarbeitern?": "mitarbeiter",
            r"firma": "unternehmen",
            r"anfangen|anfängt|fängt an": "beginnt",
            **_numbers(
                "zwei 2,drei 3,vier 4,fünf 5,sechs 6,sieben 7,acht 8,neun 9,zehn 10,elf 11,"
                "zwölf 12,fünfzehn 15,zwanzig 20,dreißig 30"
            ),
        }
    ),
    idle=frozenset(_IDLE_GERMAN.split()),
    persons=frozenset(_PERSONS_GERMAN.split()),
    modals=frozenset(_MODALS_GERMAN.split()),
    others=frozenset(_OTHERS_GERMAN.split()),
    opening=frozenset(_OPENING_GERMAN.split()),
)
FRENCH = Wordings(
    _phrases(
        {
            r"s'il vous plaît|exactement|au juste": "",
            r"combien coûte(?:nt)?|quel est le prix (?:de|du|d')": "prix",
            r"(\w+)-(?:t-)?(il|elle|ils|elles|on)": r"\1 \2",
            r"(?:pouvez|pourriez)-vous (?:me|nous) (?:dire|expliquer)|dites-moi|savez-vous|"
            r"(?:je|j')\s?(?:voudrais|veux|aimerais|souhaite) savoir": "",
            r"est-ce qu[e']|qu'est-ce qu[ei'] (?:c'est que )?": "",
            r"quel est le nombre (?:de|d')": "combien de",
            r"pour quelle raison|pourquoi": "pourquoi",
            r"à quel moment|à quelle date": "quand",
            r"quel(?:le|s|les)": "quel",
            r"puis-je|ai-je le droit (?:de|d')": "peux je",
            r"dois-je": "dois je",
            r"sont": "est",
            r"du|des|d": "de",
            r"aux?": "à",
            r"(?:employé|salarié)(?:e|s|es)?|collaborateurs?": "salarié",
            r"société|firme": "entreprise",
            r"débuter?|démarrer?|débute|démarre": "commence",
            **_numbers(
                "deux 2,trois 3,quatre 4,cinq 5,six 6,sept 7,huit 8,neuf 9,dix 10,onze 11,douze 12,"
                "quinze 15,vingt 20,trente 30"
            ),
        }
    ),
    idle=frozenset(_IDLE_FRENCH.split()),
    persons=frozenset(_PERSONS_FRENCH.split()),
    modals=frozenset(_MODALS_FRENCH.split()),
    others=frozenset(_OTHERS_FRENCH.split()),
    opening=frozenset(_OPENING_FRENCH.split()),
)
SPANISH = Wordings(
    _phrases(
        {
            r"por favor|exactamente": "",
            r"(?:me |nos )?(?:puede|puedes|podría|podrías) (?:decir|explicar)(?:me|nos)?": "",
            r"d[ií]game|dime|sabe usted|sabes|(?:quiero|quisiera|me gustaría) saber": "",
            r"cuánto cuestan?|qué precio tiene|cuál es el precio de(?:l)?|cuánto vale": "precio",
            r"cuál es (?:el número|la cantidad) de": "cuántos",
            r"cuánt[oa]s?": "cuántos",
            r"cuáles": "cuál",
            r"por qué motivo|por qué razón": "por qué",
            r"en qué momento|en qué fecha": "cuándo",
            r"se permite|está permitido": "se puede",
            r"tengo que": "debo",
            r"tenemos que": "debemos",
            r"tienen que": "deben",
            r"tiene que": "debe",
            r"son": "es",
            r"están": "está",
            r"del": "de",
            r"al": "a",
            r"trabajador(?:es|as|a)?": "empleado",
            r"compañía": "empresa",
            r"comienza|inicia": "empieza",
            **_numbers(
                "dos 2,tres 3,cuatro 4,cinco 5,seis 6,siete 7,ocho 8,nueve 9,diez 10,once 11,"
                "doce 12,quince 15,veinte 20,treinta 30"
            ),
        }
    ),
    idle=frozenset(_IDLE_SPANISH.split()),
    persons=frozenset(_PERSONS_SPANISH.split()),
    modals=frozenset(_MODALS_SPANISH.split()),
    others=frozenset(_OTHERS_SPANISH.split()),
    opening=frozenset(_OPENING_SPANISH.split()),
)
WORDINGS = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}
OTHER = Wordings((), frozenset())  # every word counts
