"""Rules and procedures as companies write them: they order and ask their readers all the time.

Without them a classifier takes "ask at least six months ahead" for a wish to the model.
"""

import random
from collections.abc import Mapping, Sequence

HEADINGS: Mapping[str, Sequence[str]] = {
    "en": (
        "How to {apply}", "If something goes wrong", "Who decides", "When you {leave}", "Deadlines",
        "Before you start", "What is covered", "What do I need?", "Contacts", "Exceptions",
        "Reporting {problem}", "How do I get {thing}?", "Responsibilities", "Step by step",
        "Where to ask", "Frequently asked questions", "Your duties", "{Thing} and {thing}",
    ),
    "de": ("So beantragen Sie {thing}", "Wer entscheidet", "Bei Problemen", "Was brauche ich?",
           "Fristen", "Ausnahmen", "Ansprechpartner", "Ihre Pflichten"),
    "fr": ("Comment demander {thing}", "Qui décide", "En cas de problème", "Délais", "Exceptions",
           "À qui s'adresser ?", "Vos obligations"),
    "es": ("Cómo solicitar {thing}", "Quién decide", "Si algo falla", "Plazos", "Excepciones",
           "¿A quién preguntar?", "Sus obligaciones"),
}  # fmt: skip

SENTENCES: Mapping[str, Sequence[str]] = {
    "en": (
        "Get the consent of {who} {time} before it begins.",
        "Wipe {part} with a dry cloth every {time}; do not use solvents.",
        "Report {problem} to {address} within {time}, with {paper} and {paper}.",
        "Send {paper} to {address}; {who} answers within {time}.",
        "Fill in the form for {thing} and hand it to {who}.",
        "Do not start {doing} before {who} has agreed in writing.",
        "If {who} does not answer within {time}, write to {address}.",
        "Always answer the customer in the language of the question.",
        "Apologise first, then say what will be done, and by when.",
        "Greet callers by name and repeat the number of {paper}.",
        "Never promise {thing}; say that {who} will call back.",
        "Close the ticket only when {who} has confirmed it, and note the reason.",
        "Add {paper} to the file and mention the cost centre in the subject.",
        "Write the date and {paper} on each page, and keep a copy for {time}.",
        "Switch {machine} off, wait {time}, and check {part} for damage.",
        "Press the key for {time} until the lamp turns green, then let go.",
        "Replace {part} after {time}, or when the display shows E{n}.",
        "Keep {machine} away from heat, and do not open it yourself.",
        "Include {part} and the serial number when you send {machine} back.",
        "Wear gloves and glasses when you work on {part}.",
        "In case of fire leave by the nearest exit, do not use the lift, and meet at the gate.",
        "Lock your screen whenever you leave, and do not share your password with {who}.",
        "Forward mails that look wrong to {address}, and do not open what is attached.",
        "Use the template, change nothing in section {n}, and let {who} sign first.",
        "You may take up to {n} days of {thing} a year; ask in the portal.",
        "Who works part time has a share of it.",
        "Costs above {n} EUR need the consent of {who}.",
        "{Thing} that is not taken until {date} is lost.",
        "The company pays {thing} up to {n} EUR a month.",
        "This rule holds from {date} for all sites, and replaces the one of last year.",
        "{Who} keeps the list of {thing} and goes through it each quarter.",
        "Damage by frost, lightning or wrong voltage is not covered.",
        "See section {n} for {thing} abroad.",
        "Book trains rather than flights where the trip takes less than {time}.",
        "Choose the cheapest fare that can be changed, and keep the receipts.",
        "Claim your costs within {time}: enter them in the tool and attach {paper}.",
        "Please park behind the hall, and show {paper} at the gate.",
        "Let {who} know if you need a vegetarian meal.",
        "Call {who} when the alarm sounds twice.",
        "Describe what happened in your own words, name who was there, and add photos.",
        "Read the sheet aloud to new colleagues and let them repeat the steps.",
        "Translate safety notes into the languages of the site before they are put up.",
        "Summarise the talk in three sentences, and share them with {who}.",
        "Review the access rights of your team and remove those nobody needs.",
        "May I carry days over? Yes, up to {n} until {date}.",
        "Who signs for {thing}? {Who}, and above {n} EUR the board.",
        "Can {thing} be paid in advance? Ask {who}.",
        "Which {machine} do I need? Take the small one for indoor use.",
    ),
    "de": (
        "Fragen Sie {who} mindestens {time} vorher.",
        "Melden Sie {problem} innerhalb von {time} an {address} und fügen Sie {paper} bei.",
        "Füllen Sie das Formular aus und geben Sie es {who}.",
        "Öffnen Sie das Gerät nicht selbst.",
        "Schalten Sie {machine} aus und warten Sie {time}.",
        "Antworten Sie dem Kunden in seiner Sprache.",
        "Kosten über {n} EUR genehmigt {who}.",
        "Die Regel gilt ab {date} für alle Standorte.",
        "Sperren Sie den Bildschirm, wenn Sie den Platz verlassen.",
        "Darf ich Tage übertragen? Ja, bis zu {n}.",
        "Nennen Sie in der E-Mail die Nummer {n} und die Kostenstelle.",
        "Tragen Sie Handschuhe, wenn Sie {part} wechseln.",
    ),
    "fr": (
        "Demandez l'accord de {who} au moins {time} à l'avance.",
        "Signalez {problem} à {address} sous {time} et joignez {paper}.",
        "Remplissez le formulaire et remettez-le à {who}.",
        "N'ouvrez pas l'appareil vous-même.",
        "Éteignez {machine} et attendez {time}.",
        "Répondez au client dans sa langue.",
        "Au-delà de {n} EUR, {who} doit donner son accord.",
        "Cette règle vaut à partir du {date} pour tous les sites.",
        "Verrouillez l'écran quand vous quittez votre poste.",
        "Puis-je reporter des jours ? Oui, jusqu'à {n}.",
        "Portez des gants pour changer {part}.",
    ),
    "es": (
        "Pida permiso a {who} al menos {time} antes.",
        "Comunique {problem} a {address} en {time} y adjunte {paper}.",
        "Rellene el formulario y entréguelo a {who}.",
        "No abra el aparato usted mismo.",
        "Apague {machine} y espere {time}.",
        "Responda al cliente en su idioma.",
        "Los gastos de más de {n} EUR los aprueba {who}.",
        "Esta norma vale desde el {date} en todas las sedes.",
        "Bloquee la pantalla cuando deje su puesto.",
        "¿Puedo guardar días? Sí, hasta {n}.",
        "Use guantes para cambiar {part}.",
    ),
}

_SLOTS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "en": {
        "apply": ("apply", "claim", "book a trip", "order parts", "complain", "get access"),
        "leave": ("leave", "are ill", "move", "travel", "become a parent", "work from home"),
        "doing": ("building work", "a project", "repairs", "talks with a supplier", "a trial"),
        "thing": ("leave", "overtime", "a company car", "training", "parental leave", "a laptop",
                  "samples", "a discount", "warranty", "tools", "meals", "a bicycle", "visas"),
        "who": ("your manager", "the finance team", "the site lead", "the works council", "support",
                "the safety officer", "legal", "the reception", "the head of quality"),
        "problem": ("a fault", "an accident", "a loss", "damage", "a leak", "a near miss", "fraud"),
        "paper": ("a certificate", "the delivery note", "an invoice", "the receipt", "your badge",
                  "the contract", "a copy of the order", "the checklist", "the signed form"),
        "machine": ("the pump", "the sensor", "the device", "the charger", "the press", "the lift"),
        "part": ("the seal", "the filter", "the antenna", "the battery", "the clamp", "the valve"),
        "time": ("two days", "a week", "five working days", "six months", "ten minutes", "a month",
                 "three seconds", "four hours", "one year"),
    },
    "de": {
        "thing": ("Urlaub", "ein Notebook", "eine Schulung", "Elternzeit", "Ersatzteile"),
        "who": ("Ihre Leitung", "die Buchhaltung", "der Betriebsrat", "die Rechtsabteilung"),
        "problem": ("einen Fehler", "einen Unfall", "einen Verlust"),
        "paper": ("eine Bescheinigung", "die Rechnung", "den Lieferschein"),
        "machine": ("die Pumpe", "das Gerät", "die Anlage"),
        "part": ("die Dichtung", "den Filter", "die Batterie"),
        "time": ("zwei Tagen", "einer Woche", "fünf Minuten", "einem Monat"),
    },
    "fr": {
        "thing": ("un congé", "un ordinateur", "une formation", "des pièces"),
        "who": ("votre responsable", "la comptabilité", "le service juridique", "l'accueil"),
        "problem": ("une panne", "un accident", "une perte"),
        "paper": ("un certificat", "la facture", "le bon de livraison"),
        "machine": ("la pompe", "l'appareil", "le capteur"),
        "part": ("le joint", "le filtre", "la pile"),
        "time": ("deux jours", "une semaine", "cinq minutes", "un mois"),
    },
    "es": {
        "thing": ("un permiso", "un portátil", "un curso", "piezas"),
        "who": ("su responsable", "contabilidad", "el servicio jurídico", "recepción"),
        "problem": ("una avería", "un accidente", "una pérdida"),
        "paper": ("un certificado", "la factura", "el albarán"),
        "machine": ("la bomba", "el aparato", "el sensor"),
        "part": ("la junta", "el filtro", "la válvula"),
        "time": ("dos días", "una semana", "cinco minutos", "un mes"),
    },
}  # fmt: skip
_EVERYWHERE: Mapping[str, Sequence[str]] = {
    "address": ("support@works.example", "hr@works.example", "the portal", "quality@plant.example"),
    "n": ("3", "5", "12", "25", "40", "150", "500", "2,000"),
    "date": ("1 March", "31/12/2026", "2026-04-01", "30 June"),
}


def procedure(rng: random.Random) -> str:
    """Write some sections of rules in one language."""
    language = rng.choice(("en", "en", "en", "de", "fr", "es"))
    sections = []
    for _ in range(rng.randint(1, 3)):
        count = min(rng.randint(2, 6), len(SENTENCES[language]))
        said = rng.sample(SENTENCES[language], count)
        joint = rng.choice((" ", " ", "\n- ", "\n"))
        mark = rng.choice(("## ", "", "", "# "))
        heading = f"{mark}{rng.choice(HEADINGS[language])}{rng.choice((chr(10), chr(10) * 2))}"
        sections.append((heading if rng.random() < 0.6 else "") + joint.join(said).strip())
    return _filled("\n\n".join(sections), {**_EVERYWHERE, **_SLOTS[language]}, rng)


def _filled(text: str, slots: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    for slot, words in slots.items():
        while "{" + slot + "}" in text:
            text = text.replace("{" + slot + "}", rng.choice(words), 1)
        while "{" + slot.capitalize() + "}" in text:
            word = rng.choice(words)
            text = text.replace("{" + slot.capitalize() + "}", word[:1].upper() + word[1:], 1)
    return text
