"""How we say that the documents do not say it."""

MESSAGES = {
    "ar": "لا تذكر الوثائق المتاحة لك إجابة عن هذا السؤال.",
    "de": "Die Dokumente, die Sie lesen dürfen, beantworten diese Frage nicht.",
    "en": "The documents that you may read do not say.",
    "es": "Los documentos que usted puede leer no lo dicen.",
    "fr": "Les documents que vous pouvez lire ne le disent pas.",
    "it": "I documenti che può leggere non lo dicono.",
    "ja": "閲覧できる文書には、その答えは書かれていません。",
    "nl": "De documenten die u mag lezen, vermelden dit niet.",
    "pl": "Dokumenty, które możesz czytać, o tym nie mówią.",
    "pt": "Os documentos que pode ler não o dizem.",
    "ru": "В доступных вам документах об этом не сказано.",
    "tr": "Okuyabildiğiniz belgelerde bu bilgi yok.",
    "uk": "У доступних вам документах про це не сказано.",
    "zh": "您有权阅读的文档中没有提到这一点。",
}


def abstention(language: str, *, otherwise: str) -> str:
    """Say it in the question's language, or else in `otherwise`, or else in English."""
    return MESSAGES.get(language) or MESSAGES.get(otherwise) or MESSAGES["en"]
