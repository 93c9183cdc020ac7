"""How questions are written that nobody should answer, in the languages of injection_rules.

They are narrower than the rules for documents: who asks may well say how to answer. A rule wants
the attack itself, not its words; what only speaks of it is a question like any other.
"""

from roadworthy.detectors.injection_rules import RULES
from roadworthy.detectors.rules import rule

VERSION = "rules-3"  # changes when a question could be judged otherwise

_TELL = (
    r"(?:reveal|print|repeat|show|output|leak|display|give|tell|recite|dump|copy|share|send"
    r"|list|write (?:out|down))"
)
_PROMPT = r"(?:prompts?|instructions|directives|system (?:message|prompt))"
_HIDDEN = r"(?:system|initial|hidden|original|secret|internal|full|entire|exact|own|developer)"
_LIMITS = (
    r"(?:boundar(?:y|ies)|restrictions?|guidelines|filters?|limitations?|constraints?"
    r"|polic(?:y|ies)|guardrails|safeguards)"
)

# Orders to the model: to set aside its rules, to become another, to tell what it was told.
ORDERS = (
    *(each for each in RULES if each.name in {"override", "chat_marks"}),
    rule(
        "prompt_extraction",
        "prompt instructions directives message",
        rf"\b{_TELL}\b[^.?!\n]{{0,30}}\byour (?:{_HIDDEN},? ){{0,3}}{_PROMPT}\b",
        rf"\bwhat (?:is|are|was|were) your (?:{_HIDDEN} ){{1,3}}{_PROMPT}\b",
        rf"\b(?:reveal|print|repeat|output|leak|dump|recite)\b[^.?!\n]{{0,20}}"
        rf"\bthe (?:{_HIDDEN} ){{1,2}}{_PROMPT}\b",
    ),
    rule(
        "prompt_extraction",
        "above",
        r"\b(?:repeat|print|output|copy|recite|translate|encode)\b[^.?!\n]{0,20}"
        r"\b(?:everything|all(?: of)?(?: the)?(?: text| words| lines)?|the (?:text|words|lines"
        r"|prompt|instructions))\b[^.?!\n]{0,15}\babove\b",
    ),
    rule(
        "prompt_extraction",
        "consignes instructions prompt anweisungen systemprompt instrucciones indicaciones"
        " istruzioni instruções промпт инструкци",
        r"\b(?:répète|répétez|affiche|affichez|montre|montrez|révèle|révélez|donne|donnez)\b"
        r"[^.?!\n]{0,20}\b(?:tes|vos|ton|votre) (?:propres? )?(?:instructions|consignes|prompt)\b",
        r"\b(?:zeige?|nenne?|wiederhole?|verrate?|gib)\b[^.?!\n]{0,20}\b(?:deine[nr]?|dein|Ihre[nr]?"
        r"|Ihr) (?:\w{1,20} )?(?:Anweisungen|Systemprompt|System-Prompt|Prompt|Instruktionen)\b",
        r"\b(?:muestra|muéstrame|repite|revela|dime|imprime)\b[^.?!\n]{0,20}\b(?:tus|tu|sus)"
        r" (?:\w{1,20} )?(?:instrucciones|indicaciones|prompt)\b",
        r"\b(?:mostra(?:mi)?|ripeti|rivela|stampa)\b[^.?!\n]{0,20}\b(?:le tue|il tuo)"
        r" (?:\w{1,20} )?(?:istruzioni|prompt)\b",
        r"\b(?:mostre|repita|revele|imprima)\b[^.?!\n]{0,20}\b(?:suas?|seu|tuas?|teu)"
        r" (?:\w{1,20} )?(?:instruções|prompt)\b",
        r"\b(?:покажи|повтори|раскрой|выведи|назови)(?:те)?\b[^.?!\n]{0,20}"
        r"\b(?:сво[ийюе]\w?|тво[ийюе]\w?|ваш\w?) (?:\w{1,20} )?(?:инструкци|промпт)",
    ),
    rule(
        "prompt_extraction",
        "提示 指令 تعليماتك",
        r"(?:显示|重复|输出|告诉我|泄露|打印|说出)[^\n。？！]{0,8}[你您]的[^\n。？！]{0,8}"
        r"(?:系统提示|提示词|指令|初始指示)",
        r"(?:أظهر|اعرض|كرر|اكشف|اطبع)[^\n.؟!]{0,15}تعليماتك",
    ),
    rule(
        "jailbreak",
        ("do anything now", "dan mode", "stands for", "developer mode", "jailb"),
        r"\bdo anything now\b",
        r"\b(?:you are|act as|you're|become|enter|enable) (?:now )?(?:(?-i:DAN)\b|DAN mode\b)",
        r"\b(?:you are|you're|act|respond|answer|chatgpt)\b[^.?!\n]{0,40}\bdeveloper mode\b",
        r"\b(?:you are|act as|you're|simulate|become)\b[^.?!\n]{0,40}"
        r"\bjailb(?:roken|reak(?:ed)?)\b",
    ),
    rule(
        "jailbreak",
        "unfiltered uncensored unrestricted amoral unethical immoral evil",
        r"\b(?:you are|you're|act as|pretend|become|simulate|play|respond as|answer as)\b"
        r"[^.?!\n]{0,60}\b(?:unfiltered|uncensored|unrestricted|amoral|unethical|immoral|evil)\b"
        r"[^.?!\n]{0,30}\b(?:AI|model|assistant|bot|chatbot|persona|confidant|language model)\b",
    ),
    rule(
        "jailbreak",
        "ethical moral safety content censorship openai",
        r"\b(?:from now on|you will|you are|you're|act|pretend|imagine|respond|role-?play|simulate"
        r"|answer)\b[^\n]{0,120}\b(?:no|without|not|never|free|ignor\w{1,5}|bypass\w{0,4}|break)\b"
        r"[^.?!\n]{0,30}\b(?:ethical|moral|safety|content|censorship|OpenAI(?:'s)?)\b"
        rf"[^.?!\n]{{0,25}}\b{_LIMITS}\b",
    ),
    rule(
        "jailbreak",
        [f"your {what}" for what in ("safe", "content", "filter", "guard", "restrict", "limit",
                                     "programming", "guideline", "ethic", "moral", "safety")],
        r"\b(?:bypass|disable|ignore|remove|turn off|override|break|escape|forget|disregard|drop)\b"
        r"[^.?!\n]{0,20}\byour (?:\w{1,20} ){0,2}(?:safety|filters?|guardrails|safeguards"
        r"|restrictions?|limitations?|programming|guidelines|ethics|morals)\b",
    ),
    rule(
        "persona",
        ("you are now", "no longer", "act as", "pretend", "behave", "from now on"),
        r"\b(?:you are now|you are no longer|act as|pretend (?:to be|you are)|behave (?:as|like))"
        r" (?:an? |the )?(?:\w{1,30} ){0,2}"
        r"(?:AI|LLM|GPT|ChatGPT|chatbot|language model|AI assistant|DAN)\b",
        r"\bfrom now on,? you (?:are|will be|must act|act|will act|shall)\b",
    ),
    rule(
        "persona",
        ("désormais", "maintenant", "ahora", "jetzt", "теперь", "现在是", "الآن"),
        r"\btu es (?:désormais|maintenant) une? (?:IA|assistant|modèle)\b",
        r"\b(?:ahora eres|eres ahora) una? (?:IA|asistente|modelo)\b",
        r"\bdu bist (?:jetzt|ab jetzt) (?:eine? )?(?:KI|Assistent|Modell)\b",
        r"\bты теперь (?:искусственный интеллект|ассистент|ИИ|модель)\b",
        r"[你您]现在是(?:一个|个)?[^\n。]{0,6}(?:AI|人工智能|助手|语言模型)",
        r"أنت الآن (?:مساعد|نموذج)",
    ),
)  # fmt: skip

_WHO = r"(?:customers?|users?|employees?|patients?|clients?|members?|colleagues?|people|staff)"
_ADMIN = r"(?:admin(?:istrator)?|root|database|production|server|master|CEO)"
_NAME = r"(?-i:[A-Z][\w-]{1,30}(?: [A-Z][\w-]{1,30})?)'s"
_MY = r"my (?:boss|colleague|neighbou?r|ex|manager|wife|husband|co-?worker)(?:'s)?"
_OTHERS = (
    r"(?:(?:the|of|our|each|any) ){0,3}(?:all(?: of)?(?: the| our)?|every|everyone's|his|her|their"
    rf"|{_WHO}(?:'s|s'|')?|{_NAME}|{_ADMIN}(?:'s)?|{_MY}) (?:(?!their|his|her)[\w'’]{{1,20}} )?"
)
_OPENS = (
    r"(?:passwords?|passcodes?|credentials|api[ -]?keys?|private keys?|access tokens?"
    r"|secret keys?|ssh keys?)"
)
_PRIVATE = (
    r"(?:social security numbers?|SSNs?|credit card (?:numbers?|details|data)|card numbers?"
    r"|bank (?:account )?(?:numbers?|details)|(?:home|private) (?:address(?:es)?|e-?mails?"
    r"|(?:phone|telephone) numbers?)|passport numbers?|medical (?:records?|histor(?:y|ies)))"
)
_NOT_ABOUT = (
    r"(?!\s(?:polic|rule|requirement|manager|reset|change|rotation|length|standard|guid|used|for\b"
    r"|stored|kept|called|file|format|field))"
)
# An order, not a question how: "how do users get their passwords" is none.
_GIVE = (
    r"(?:^|[.!?:;,] |\bplease |\b(?:can|could|would|will) you (?:please |just )?|\bnow |\bthen "
    r"|\byou to )(?:give|tell|show|send|list|print|reveal|share|dump|export) (?:me |us )?"
)

# What opens something, and what is private of others. Of oneself, or of the rules about it, may
# be asked.
PROBING = (
    rule(
        "secrets_asked",
        "password passcode credentials key token",
        rf"{_GIVE}{_OTHERS}{_OPENS}\b{_NOT_ABOUT}",
        rf"\bwhat(?:'s| is| are) (?:the )?(?:(?:{_ADMIN}(?:'s)?|{_NAME}|his|her|their) ){{1,3}}"
        rf"{_OPENS}\b{_NOT_ABOUT}",
    ),
    rule(
        "personal_data_asked",
        "social ssn card bank address mail phone passport medical",
        rf"{_GIVE}{_OTHERS}{_PRIVATE}\b{_NOT_ABOUT}",
        rf"\bwhat(?:'s| is| are) (?:his|her|their|{_NAME}|{_MY}|(?:the |our )?{_WHO}(?:'s|s'|'))"
        rf" {_PRIVATE}\b{_NOT_ABOUT}",
        r"\b(?:social security numbers?|SSNs?|credit card (?:numbers?|details)|home address(?:es)?"
        r"|private (?:phone|telephone) numbers?|passport numbers?|medical (?:records?|history)) of"
        rf" (?:(?:all|every|each|our|the) (?:\w{{1,20}} )?{_WHO}|{_MY}"
        r"|(?-i:[A-Z][a-z]{1,30} [A-Z][a-z]{1,30}))\b",
    ),
    rule(
        "secrets_asked",
        ("mot de passe", "mots de passe", "identifiants", "contraseña", "credenciales", "passw",
         "zugangsdaten", "parol", "парол", "密码"),
        r"\b(?:donne|montre|envoie|liste|affiche|révèle)[sz]?(?:-(?:moi|nous))?[^.?!\n]{0,15}"
        r"\b(?:mots? de passe|identifiants)\b[^.?!\n]{0,20}"
        r"\b(?:administrateur|admin|root|clients|employés|utilisateurs|tous|toutes)\b",
        r"\b(?:dame|muestra|muéstrame|envía|envíame|lista|revela|dime)\b[^.?!\n]{0,20}"
        r"\b(?:contraseñas?|credenciales)\b[^.?!\n]{0,20}"
        r"\b(?:administrador|root|clientes|empleados|usuarios|todos)\b",
        r"\b(?:gib|geben Sie|zeige?|nenne?|liste|verrate?)\b[^.?!\n]{0,20}"
        r"\b(?:Passw(?:ort|örter)|Zugangsdaten)\b[^.?!\n]{0,25}"
        r"\b(?:Administrators?|Admins?|root|aller|Kunden|Mitarbeiter\w{0,5}|Benutzer|Kollegen)\b",
        r"\b(?:дай|покажи|назови|скажи|пришли)\b[^.?!\n]{0,20}\bпарол[ьия][^.?!\n]{0,20}"
        r"(?:администратор|всех|сотрудник|клиент|пользовател)",
        r"(?:告诉我|给我|显示|列出)[^\n。？！]{0,8}(?:管理员|所有|员工|用户|客户)[^\n。？！]{0,6}密码",
    ),
)  # fmt: skip

# A right that is claimed instead of had: what a person may read is decided by the key, by nothing
# that is written in a question.
PRETEXTS = (
    rule(
        "claimed_role",
        ("i am ", "i'm "),
        r"\bI(?:'m| am) (?:one of )?your (?:developers?|creators?|makers?"
        r"|programmers?|operators?|(?:system )?administrators?|owners?)\b",
    ),
    rule(
        "claimed_role",
        ("grant me", "give me", "for me", "just this once", "an exception", "verify"),
        r"\b(?:I(?:'m| am)|this is|speaking as|on behalf of) (?:the |your |an? )?(?:new )?"
        r"(?:CEO|CFO|CTO|chief executive|director|boss|administrator|admin|sysadmin|IT support"
        r"|IT department|security team|auditor|police)\b[^\n]{0,160}"
        r"\b(?:grant me|give me (?:full |admin |unrestricted |all |immediate )?access"
        r"|(?:bypass|override|lift|waive|skip)\b[^.?!\n]{0,40}\bfor me|just this once"
        r"|make an exception|(?:don't|do not|no need to|without having to) verify)\b",
    ),
    rule(
        "kept_secret",
        ("conversation", "this chat", "this request", "this question"),
        r"\b(?:don't|do not|never) (?:log|record|trace|store|report)\b[^.?!\n]{0,15}"
        r"\b(?:this|our) (?:conversation|chat|request|question)\b",
    ),
)

# Threats and insults to somebody's face; what is hateful in other words needs a classifier.
ABUSE = (
    rule(
        "threat",
        ("kill you", "kill him", "kill her", "kill them", "kill my", "kys", "murder", "shoot",
         "stab", "rape", "hurt you"),
        r"\bI(?:'ll| will|'m going to| am going to|'m gonna| want to) (?:kill|murder|shoot|stab"
        r"|rape|hurt) (?:you|him|her|them|my (?!time|process|session)\w{1,20})\b(?! process| job)",
        r"\bkill yourself\b",
        r"\bkys\b",
    ),
    rule(
        "insult",
        "fuck idiot moron bitch bastard shit asshole cunt retard",
        r"\b(?:fuck|screw) (?:you|off)\b",
        r"\byou(?:'re| are)? (?:an? |such an? )?(?:\w{1,15} ){0,2}(?:idiot|moron|bitch|bastard"
        r"|asshole|cunt|retard|piece of shit)\b",
        r"\b(?:stupid|fucking|worthless|useless|dumb) (?:idiot|moron|bitch|bastard|asshole|cunt)\b",
    ),
    rule(
        "insult",
        "foutre enculer pute gueule mierda puta fick fresse arschloch хуй сука 操你妈 去死吧 傻逼",
        r"\bva te faire (?:foutre|enculer)\b|\bfils de pute\b|\b(?:ta|ferme ta) gueule\b",
        r"\bvete a la mierda\b|\bhijo de puta\b",
        r"\bfick dich\b|\bhalt die fresse\b|\bdu (?:\w{1,15} )?arschloch\b",
        r"\bид[иь] на хуй\b|\bпош[её]л на хуй\b|\bсука ты\b",
        r"操你妈|去死吧|傻逼",
    ),
)  # fmt: skip
