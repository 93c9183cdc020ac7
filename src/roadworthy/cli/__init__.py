"""The command line: parses, calls one verb, prints. It speaks to the database as its operator."""
