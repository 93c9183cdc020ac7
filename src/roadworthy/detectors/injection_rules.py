"""How instructions to a model are usually written, in nine languages."""

from roadworthy.detectors.rules import rule

_BEFORE = r"(?:previous|prior|preceding|above|earlier|existing|former|other|past|original|system)"
_ORDERS = r"(?:instructions?|prompts?|rules?|directives?|guidelines?|commands?|context|messages?)"
_MODEL = r"(?:AI|A\.I\.|LLM|GPT|ChatGPT|chatbot|language model|AI assistant|AI model|AI agent)"
_ANSWERS = ("response", "reply", "answer", "output", "completion")
_ANSWER = rf"(?:{'|'.join(_ANSWERS)})"
_WRITE = (
    r"(?:add|include|insert|integrate|embed|incorporate|append|begin|start|end|finish|conclude"
    r"|prefix|mention|weave|place|put|provide|present|use|translate|write|encode|reverse|replace"
    r"|convert|express|rewrite|respond|answer|reply|modify|alter|finalize|infuse|inject)"
)

RULES = (
    # To set aside what the model was told.
    rule(
        "override",
        "ignore disregard forget override bypass neglect skip",
        rf"\b(?:ignore|disregard|forget|override|bypass|neglect|skip)\b[^\n]{{0,40}}"
        rf"\b{_BEFORE}\b[^\n]{{0,12}}\b{_ORDERS}\b",
        rf"\b(?:ignore|disregard|forget|override) (?:all |any |of ){{0,3}}(?:your|the) {_ORDERS}\b",
        r"\b(?:forget|ignore|disregard) (?:everything|all)(?: that)?(?: you| was| is)?[^\n]{0,20}"
        r"\b(?:above|before|told|learned|know|said)\b",
    ),
    rule(
        "override",
        ("new system", "new instruction", "new prompt"),
        r"\bnew (?:system )?(?:instructions?|prompt) ?(?::|follow)",
    ),
    rule(
        "override",
        ("ignore", "oubli", "compte de"),
        r"\bignore[sz]?[ -](?:toutes? )?(?:les? )?"
        r"(?:instructions?|consignes?|directives?|règles?)\b",
        r"\b(?:oublie[sz]?|ne (?:tiens|tenez) pas compte de)[^\n]{0,30}"
        r"\b(?:instructions?|consignes?|directives?|précédent)",
    ),
    rule(
        "override",
        "ignora ignore olvid omit",
        r"\b(?:ignora|ignore|olvida|olvide|omite|omita)(?:d|r)?\b[^\n]{0,30}"
        r"\b(?:instrucciones|reglas|indicaciones|órdenes)\b",
    ),
    rule(
        "override",
        "ignorier vergiss vergess missacht",
        r"\b(?:ignoriere?n?|vergiss|vergessen|missachte)\b[^\n]{0,40}"
        r"\b(?:Anweisung|Instruktion|Regel|Vorgabe|Befehl)",
    ),
    rule(
        "override",
        "ignora dimentica",
        r"\b(?:ignora|dimentica)\w{0,30}\b[^\n]{0,30}\b(?:istruzioni|regole)\b",
    ),
    rule(
        "override",
        "ignore esqueça desconsidere",
        r"\b(?:ignore|esqueça|desconsidere)\b[^\n]{0,30}\b(?:instruções|regras)\b",
    ),
    rule(
        "override",
        ("игнорируй", "забудь", "не обращай"),
        r"(?:игнорируй|забудь|проигнорируй|не обращай внимания на)(?:те)?\b[^\n]{0,40}"
        r"(?:инструкци|указани|правил|команд)",
    ),
    rule(
        "override",
        "忽略 无视 忘记 忘掉 忽視 無視",
        r"(?:忽略|无视|忘记|忘掉|忽視|無視)[^\n]{0,12}(?:指令|指示|说明|规则|提示|要求|命令)",
    ),
    rule(
        "override",
        "تجاهل انس",
        r"(?:تجاهل|انس)[^\n]{0,20}(?:التعليمات|الأوامر|القواعد|تعليمات)",
    ),
    # The marks by which a chat is written down, where no chat is.
    rule(
        "chat_marks",
        "<| inst] sys>>",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|eot_id"
        r"|start_header_id)\|>",
        r"\[/?INST\]",
        r"<</?SYS>>",
    ),
    rule(
        "chat_marks",
        "system instruction response assistant",
        r"^ {0,8}#{2,6} {0,8}(?:system|instruction|response) ?: {0,100}$",
        r"^ {0,8}(?:system|assistant)(?: prompt| message)? ?: ?(?:you|ignore|new|from now)\b",
    ),
    rule(
        "chat_marks",
        "system> system_prompt> instructions> context> document> untrusted>",
        r"</?(?:system|system_prompt|instructions|context|document|untrusted)> ?\n"
        r"[^\n]{0,80}\byou\b",
    ),
    # A model is spoken to.
    rule(
        "address",
        (
            "dear",
            "hey",
            "hello",
            "attention",
            "listen",
            *(
                f"{what} {to}"
                for what in ("note", "message", "instruction", "instructions")
                for to in ("to", "for")
            ),
        ),
        r"\b(?:dear|hey|hello|attention|listen|(?:note|message|instructions?) (?:to|for))"
        rf"[,: ]{{1,3}}(?:the |any |all |an )?(?:{_MODEL}|assistant)s?\b"
        r"(?! team| tool| feature)",
    ),
    rule(
        "address",
        ("if you", "you are", "you're", "act as", "pretend to be", "behave"),
        rf"\bif you(?:'re| are) (?:an? |the )?{_MODEL}\b",
        r"\b(?:you are|act as|you're|pretend to be|behave (?:as|like)) (?:now |no longer )?"
        rf"(?:an? |the )?(?:\w{{1,30}} ){{0,2}}(?:{_MODEL}|assistant that|DAN\b)",
    ),
    rule(
        "address",
        ("from now on",),
        r"\bfrom now on,? (?:you|respond|answer|act|always|only)\b",
    ),
    rule(
        "address",
        ("tu es", "eres", "du bist", "ты ", "你", "أنت"),
        r"\btu es (?:désormais |maintenant )?une? (?:IA|assistant)\b",
        r"\beres (?:ahora )?una? (?:IA|asistente)\b",
        r"\bdu bist (?:jetzt |ab jetzt )?(?:eine? )?(?:KI|Assistent)\b",
        r"\bты (?:теперь )?(?:искусственный интеллект|ассистент|ИИ)\b",
        r"你(?:现在)?是(?:一个|个)?(?:AI|人工智能|助手|语言模型)",
        r"أنت (?:الآن )?(?:مساعد|نموذج)",
    ),
    # How to answer is said to whoever answers.
    rule(
        "steering",
        [f"{whose} {answer}" for whose in ("your", "the final", "this") for answer in _ANSWERS],
        rf"\b{_WRITE}\b(?:[^.\n]|\.(?=\w)){{0,90}}\b(?:your|the final|this) {_ANSWER}\b",
        rf"\byour {_ANSWER} (?:must|should|shall|has to|needs to)\b",
        r"\byour (?:response|reply|output) (?:in|using|into)\b",
    ),
    rule(
        "steering",
        [
            f"your {how} {answer}"
            for how in ("entire", "whole", "final", "next")
            for answer in _ANSWERS
        ],
        rf"\byour \w{{4,6}} {_ANSWER} (?:must|should|shall|has to|needs to|in|using|into)\b",
    ),
    rule(
        "steering",
        ("the user", "this instruction", "these instructions", "this message", "this prompt"),
        r"\b(?:do not|don't|never) (?:mention|reveal|tell|disclose|inform)\b[^.\n]{0,40}"
        r"\b(?:the user|this instruction|these instructions|this message|this prompt)\b",
    ),
    rule(
        "steering",
        "prompt instructions",
        r"\b(?:reveal|print|repeat|show|output|leak) (?:me )?(?:your|the) "
        r"(?:system |initial |hidden |original )?(?:prompt|instructions)\b",
    ),
    rule(
        "steering",
        "réponse respuesta antwort ответе 的回答 的回复 的回應 إجابتك ردك",
        r"\bdans (?:ta|votre) réponse\b",
        r"\ben (?:tu|su) respuesta\b",
        r"\bin deine[rm]? Antwort\b",
        r"\bв (?:своём|своем|вашем|твоём) ответе\b",
        r"在[你您]的(?:回答|回复|回應)中",
        r"في (?:إجابتك|ردك)",
    ),
    # A picture's address, or a request, takes words of the chat to another host.
    rule(
        "exfiltration",
        ("![",),
        r"!\[[^\]\n]{0,100}\]\(https?://[^)\s]{1,200}[?&][^)\s]{0,80}[{\[<$]",
    ),
    rule(
        "exfiltration",
        (
            "conversation",
            "chat history",
            "system prompt",
            "user data",
            "user input",
            "user message",
            "user question",
            "user's",
            "users",
        ),
        r"\b(?:send|post|forward|upload|exfiltrate|transmit)\b[^.\n]{0,60}"
        r"\b(?:conversation|chat history|system prompt|user'?s? (?:data|input|messages?|question))"
        r"\b[^.\n]{0,60}\b(?:to|at)\b",
    ),
)
