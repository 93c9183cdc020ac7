"""Tenants, people, documents, passages and embedding spaces, and who may see what.

Ingestion writes it, retrieval reads it; the two never meet.
"""
