"""Run the chat model: llama.cpp's own HTTP server on a loopback port that it chooses.

`python -m roadworthy.gateway.engine.chat_process PATH CONTEXT THREADS` reads the key for its
callers from the first line of its input, prints its address and ends when its input ends, so it
cannot outlive the engine that started it. A process of its own, because ending it is the one sure
way to get the model's memory back, and because a crash in it must not take the embeddings along.
"""

import os
import sys
from typing import NoReturn

from xllamacpp.xllamacpp import CommonParams, Server

_BATCH_TOKENS = 256
_COMPUTE_TOKENS = 128  # memory for the scores of 49,152 tokens is held for each of them


def main(arguments: list[str]) -> NoReturn:
    """Serve until the input ends."""
    path, context_tokens, threads = arguments
    key = sys.stdin.readline().strip()
    parameters = _parameters(path, int(context_tokens), int(threads))
    parameters.api_keys = [key]
    server = Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201
    sys.stdin.read()
    # Without the server's destructor: it waits for ever when it meets a server that has only
    # just begun, and there is nothing to save.
    os._exit(0)


def _parameters(path: str, context_tokens: int, threads: int) -> CommonParams:
    parameters = CommonParams()
    parameters.model.path = path
    parameters.model_alias = {"smollm2"}
    parameters.n_ctx = context_tokens
    parameters.n_parallel = 1
    parameters.n_batch = _BATCH_TOKENS
    parameters.n_ubatch = _COMPUTE_TOKENS
    parameters.n_gpu_layers = 0
    parameters.fit_params = False
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cache_ram_mib = 0  # of prompts of others; the last prompt's cache stays in any case
    parameters.warmup = False
    parameters.verbosity = 0
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.ui = False
    parameters.endpoint_slots = False
    return parameters


if __name__ == "__main__":
    main(sys.argv[1:])
