"""The local engine: embeddings and a small chat model behind the OpenAI protocol.

It is a process of its own (`python -m roadworthy.gateway.engine`), so that a crash of it is not a
crash of ours, and it needs no network: the weights come out of installed packages. Callers use
`launch` to start it and HTTP to talk to it; nothing else in here is meant for other rooms, except
`tokens`, which counts tokens exactly as the engine does.
"""
