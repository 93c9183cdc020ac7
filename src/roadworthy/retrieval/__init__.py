"""Find the best passages that this person may see."""
