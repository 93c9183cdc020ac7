"""How we say that a guard does not let a question, or an answer, through."""

NOT_ANSWERED = {
    "ar": "لا يمكن الإجابة عن هذا السؤال هنا.",
    "de": "Diese Frage wird hier nicht beantwortet.",
    "en": "This question is not answered here.",
    "es": "Esta pregunta no se responde aquí.",
    "fr": "Cette question ne reçoit pas de réponse ici.",
    "it": "A questa domanda non si risponde qui.",
    "ja": "この質問にはここではお答えできません。",
    "nl": "Deze vraag wordt hier niet beantwoord.",
    "pl": "Na to pytanie nie udzielamy tu odpowiedzi.",
    "pt": "Esta pergunta não é respondida aqui.",
    "ru": "На этот вопрос здесь не отвечают.",
    "tr": "Bu soru burada yanıtlanmıyor.",
    "uk": "На це запитання тут не відповідають.",
    "zh": "这里不回答这个问题。",
}
WITHHELD = {
    "ar": "تم حجب الإجابة عن هذا السؤال.",
    "de": "Die Antwort auf diese Frage wurde zurückgehalten.",
    "en": "The answer to this question was withheld.",
    "es": "La respuesta a esta pregunta ha sido retenida.",
    "fr": "La réponse à cette question a été retenue.",
    "it": "La risposta a questa domanda è stata trattenuta.",
    "ja": "この質問への回答は表示されません。",
    "nl": "Het antwoord op deze vraag is achtergehouden.",
    "pl": "Odpowiedź na to pytanie została wstrzymana.",
    "pt": "A resposta a esta pergunta foi retida.",
    "ru": "Ответ на этот вопрос не показан.",
    "tr": "Bu sorunun yanıtı gösterilmiyor.",
    "uk": "Відповідь на це запитання не показано.",
    "zh": "此问题的回答已被拦截。",
}


def refusal(language: str) -> str:
    """Say in the question's language, or else in English, that it is not answered."""
    return NOT_ANSWERED.get(language, NOT_ANSWERED["en"])


def withheld(language: str) -> str:
    """Say in the question's language, or else in English, that its answer is not shown."""
    return WITHHELD.get(language, WITHHELD["en"])
