"""The models behind one protocol: embeddings and chat over OpenAI's HTTP API."""
