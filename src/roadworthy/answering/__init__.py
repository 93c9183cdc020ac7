"""One question, from the key to the cited answer."""
