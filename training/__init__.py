"""Train the small classifiers that ship: `make train NAME=screen` or `NAME=grounding`."""
