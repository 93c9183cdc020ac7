"""Records, error kinds, ids and time that every room shares; no I/O."""
