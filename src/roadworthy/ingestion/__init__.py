"""From a file to passages that can be found: read, split, analyse, embed, publish."""
