"""What is found in a document before it may be searched, and what is done about it.

One module a check. `curating` puts a document through all that need nothing else; `service` adds
what the rest of the corpus shows, and writes verdicts with the publication or instead of it.
"""
