"""The sample corpus at its source: what one invented company writes down, and how it is printed."""
