"""Ingest files as most tutorials do: LangChain's loaders, its splitter, Chroma.

Runs in an environment of its own (langchain.txt), without the product. Reads paths, one a line,
from standard input; writes one JSON object a file, and embeds by a stub that costs nothing.
"""

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

from langchain_chroma import Chroma
from langchain_community.document_loaders import (
    Docx2txtLoader,
    PyPDFLoader,
    UnstructuredExcelLoader,
    UnstructuredPowerPointLoader,
)
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

LOADERS = {
    ".pdf": PyPDFLoader,
    ".docx": Docx2txtLoader,
    ".pptx": UnstructuredPowerPointLoader,
    ".xlsx": UnstructuredExcelLoader,
}
CHARACTERS = 1000  # about the 256 tokens of the product
DIMENSION = 384


class Stub(Embeddings):
    """Vectors for nothing: bytes of a hash."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [byte - 127.5 for byte in hashlib.shake_128(text.encode()).digest(DIMENSION)]


def main() -> None:
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHARACTERS, chunk_overlap=0)
    with tempfile.TemporaryDirectory() as folder:
        store = Chroma(collection_name="main", embedding_function=Stub(), persist_directory=folder)
        for line in sys.stdin:
            path = Path(line.rstrip("\n"))
            began = time.perf_counter()
            try:
                pieces = splitter.split_documents(LOADERS[path.suffix.lower()](str(path)).load())
                if pieces:
                    store.add_documents(pieces)
                problem = None if pieces else "no text"
            except Exception as error:  # noqa: BLE001 - the figure is how many it reads
                pieces, problem = [], type(error).__name__
            seconds = time.perf_counter() - began
            told = {"path": str(path), "passages": len(pieces), "seconds": seconds}
            print(json.dumps(told | {"problem": problem}), flush=True)


if __name__ == "__main__":
    main()
