"""Settings, the database, processes: the only room that knows wires."""
