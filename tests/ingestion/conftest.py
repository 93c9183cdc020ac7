"""Ingestion as a worker does it, over a tenant of each test's own."""

import uuid
from dataclasses import dataclass

import pytest

from roadworthy.corpus.policies import policy_of, write_policy
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.endpoint import Endpoint, EndpointAddress
from roadworthy.ingestion.limits import Limits
from roadworthy.ingestion.reading import DocumentReader
from roadworthy.ingestion.service import IngestionService
from roadworthy.ingestion.split import load_tokenizer
from roadworthy.plumbing.jobs import Turn
from tests.command_line import tokenizer_file
from tests.doubles.classifier import WordsClassifier
from tests.shared_database import urls, world
from tests.world import DECLARED, World

__all__ = ["urls", "world"]


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Hands documents in and reads them, policy and all."""

    world: World
    service: IngestionService

    async def policy(self, **fields):
        async with self.world.database.as_worker(self.world.tenant_id) as conn:
            await write_policy(
                conn, policy_of(fields), tenant_id=self.world.tenant_id, corpus="main"
            )

    async def work(self):
        while lease := await self.service.claim(Turn.URGENT):
            await self.service.do(lease)

    async def add(self, name: str, text: str, **kwargs) -> uuid.UUID:
        receipt = await self.world.upload(name, text, **kwargs)
        await self.work()
        return receipt.document_id


@pytest.fixture(scope="session")
def reader():
    reader = DocumentReader(timeout_s=30, memory_mb=1024, max_bytes=10_000_000, limits=Limits())
    yield reader
    reader.close()


@pytest.fixture
def classifier():
    return WordsClassifier({"passage_injection": "zebra"})


@pytest.fixture
async def intake(world, models, reader, classifier):
    endpoint = Endpoint(EndpointAddress(url=models.url, key="none", timeout_s=10))
    embedder = SpaceEmbedder(endpoint, space=world.space, declared=DECLARED)
    service = IngestionService(
        database=world.database,
        reader=reader,
        embedders={world.space.id: embedder},
        tokenizers={world.space.id: load_tokenizer(tokenizer_file())},
        passage_tokens=256,
        overlap_tokens=0,
        classifier=classifier,
    )
    yield Intake(world=world, service=service)
    await endpoint.close()
