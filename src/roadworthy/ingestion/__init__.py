"""From a file to passages that can be found: read, split, analyse, embed, publish."""

KIND = "ingest"  # of the jobs that this room does; who hands work in needs no more of it
