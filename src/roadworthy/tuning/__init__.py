"""Which settings suit a corpus: tried on questions whose answers are known, kept as experiments."""
