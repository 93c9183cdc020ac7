"""A body that is wrong a thousand times over is refused by few words."""

import pytest
from pydantic import ValidationError

from roadworthy.api.answers import AnswerBody
from roadworthy.api.completions import ChatBody
from roadworthy.api.documents import ChangeBody
from roadworthy.api.search import SearchBody
from roadworthy.api.uploads import UploadForm

MANY = {f"x{n}": 1 for n in range(10_000)}
PARTS = {"role": "user", "content": [{}] * 200}
WRONG = [
    (AnswerBody, {"question": "Who?", **MANY}),
    (AnswerBody, {"messages": [{"role": "user", "content": "Who?", **MANY}]}),
    (AnswerBody, {"question": "Who?", "filter": MANY}),
    (AnswerBody, {"question": "Who?", "filter": {"metadata": {name: [] for name in MANY}}}),
    (SearchBody, {"question": "Who?", "filter": {"metadata": MANY}}),
    (ChangeBody, {"groups": ["a"], **MANY}),
    (UploadForm, {"metadata": "{" + ",".join(f'"x{n}":[]' for n in range(5_000)) + "}"}),
    (ChatBody, {"model": "live", "messages": [PARTS] * 400}),
]


@pytest.mark.parametrize(("body", "sent"), WRONG)
def test_it_is_refused_by_few_words(body, sent):
    with pytest.raises(ValidationError) as refused:
        body.model_validate(sent)
    assert refused.value.error_count() <= 3 * len(sent.get("messages", "1"))


def test_a_few_unknown_fields_are_named_each():
    with pytest.raises(ValidationError) as refused:
        AnswerBody.model_validate({"question": "Who?", "top_k": 1, "lang": "en"})
    assert [each["loc"] for each in refused.value.errors()] == [("top_k",), ("lang",)]
