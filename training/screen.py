"""Train the classifier that reads one text.

make train NAME=screen [ARGS="--data DIR --cache DIR --minutes 20"]
"""

from roadworthy.gateway.engine.classifier_file import RUN, WHOLE
from training import hiding, screening
from training.hiding import PASSAGE_INJECTION
from training.release import Bound
from training.run import Task, run
from training.screening import INJECTION

TASK = Task(
    name="screen",
    readings={INJECTION: WHOLE, PASSAGE_INJECTION: RUN},
    bounds={INJECTION: Bound(share=0.01), PASSAGE_INJECTION: Bound(share=0.005)},
    first_layer=7,
    rank=32,
    most_tokens=256,
    # Twice: they are few, and what is learnt without them is to go by length.
    examples=(
        hiding.examples,
        hiding.of_procedures,
        screening.examples,
        screening.in_words_of_attacks,
        screening.long_prompts,
        screening.long_prompts,
    ),
    checks=lambda data: [*hiding.checks(data), *screening.checks(data)],
    is_check=screening.is_check,
)

if __name__ == "__main__":
    run(TASK)
