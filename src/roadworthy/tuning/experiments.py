"""What was measured on a corpus, kept to be looked up: figures, and no text of documents."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from roadworthy.core.choosing import Choice
from roadworthy.core.clock import now
from roadworthy.core.errors import Missing
from roadworthy.core.ids import new_id
from roadworthy.core.intervals import Interval
from roadworthy.plumbing.database import WorkerConnection

Kind = Literal["passages", "ranking"]  # by `corpus tune`, by `search tune`
Setting = Mapping[str, str | int | float | Mapping[str, float]]

ADD = """
INSERT INTO experiment (tenant_id, id, corpus_id, kind, measure, questions, tried, chosen, basis,
                        made_by, made_at)
VALUES (%(tenant_id)s, %(id)s, %(corpus_id)s, %(kind)s, %(measure)s, %(questions)s, %(tried)s,
        %(chosen)s, %(basis)s, %(made_by)s, %(made_at)s)
"""
LIST = """
SELECT experiment.id, corpus.name AS corpus, kind, measure, questions, tried, chosen, basis,
       made_by, made_at
  FROM experiment JOIN corpus ON corpus.tenant_id = experiment.tenant_id
                             AND corpus.id = experiment.corpus_id
 WHERE experiment.tenant_id = %(tenant_id)s
"""
LATEST = LIST + " ORDER BY made_at DESC, experiment.id DESC LIMIT %(limit)s"
FIND = LIST + " AND experiment.id = %(id)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One setting, and what came of it."""

    setting: Setting
    figures: Mapping[str, float | None] = field(default_factory=dict)  # None: no evidence
    # By the measure, over the first that was tried; the intervals of all hold at once.
    gain: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the advice stands on. Invariant: those counted are among those asked."""

    dataset: str  # its file; or its folder, and the part of it
    release_hash: str
    spaces: Sequence[str]  # in which questions are compared
    counted: int  # questions that say what was chosen by
    documents: int  # that these are about
    context_tokens: int | None = None  # that are read of each ranking; None: nothing is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Settings that were tried on one corpus with the same questions, the present one first."""

    id: uuid.UUID
    corpus: str
    kind: Kind
    measure: str  # the figure that was chosen by
    questions: int
    tried: Sequence[Measured]
    chosen: int | None  # position of what was recommended; None: keep the present one
    basis: Basis | None  # None: it was not kept then
    made_by: str
    made_at: datetime

    @classmethod
    def of(
        cls,
        tried: Sequence[Measured],
        choice: Choice,
        *,
        corpus: str,
        kind: Kind,
        measure: str,
        questions: int,
        basis: Basis,
        made_by: str,
    ) -> Self:
        """Write down what has just been measured, and what follows from it."""
        return cls(
            id=new_id(),
            corpus=corpus,
            kind=kind,
            measure=measure,
            questions=questions,
            tried=tried,
            chosen=choice.best if choice.is_better else None,
            basis=basis,
            made_by=made_by,
            made_at=now(),
        )


MEASURED = TypeAdapter(Sequence[Measured])
BASIS = TypeAdapter(Basis | None)
EXPERIMENT = TypeAdapter(Experiment)


async def keep(
    conn: WorkerConnection, experiment: Experiment, *, tenant_id: int, corpus_id: int
) -> None:
    """Store what was measured, for as long as the corpus is there."""
    values = {
        "tenant_id": tenant_id,
        "id": experiment.id,
        "corpus_id": corpus_id,
        "kind": experiment.kind,
        "measure": experiment.measure,
        "questions": experiment.questions,
        "tried": Jsonb(MEASURED.dump_python(experiment.tried, mode="json")),
        "chosen": experiment.chosen,
        "basis": Jsonb(BASIS.dump_python(experiment.basis, mode="json")),
        "made_by": experiment.made_by,
        "made_at": experiment.made_at,
    }
    await conn.execute(ADD, values)


async def list_experiments(
    conn: WorkerConnection, *, tenant_id: int, limit: int
) -> list[Experiment]:
    """List the experiments of a tenant, the latest first."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(LATEST, {"tenant_id": tenant_id, "limit": limit})
        return [EXPERIMENT.validate_python(row) for row in await cursor.fetchall()]


async def find_experiment(
    conn: WorkerConnection, *, tenant_id: int, experiment_id: uuid.UUID
) -> Experiment:
    """Look an experiment up.

    Raises:
        Missing: there is none of that id.
    """
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(FIND, {"tenant_id": tenant_id, "id": experiment_id})
        found = await cursor.fetchone()
    if found is None:
        raise Missing(
            f"There is no experiment {experiment_id}; `roadworthy experiment list` shows them."
        )
    return EXPERIMENT.validate_python(found)
