"""Roadworthy: documents in, cited answers out, only for those who may read them."""
