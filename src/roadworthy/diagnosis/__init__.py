"""Is this installation fit to run? `doctor` asks, and so does every start."""
