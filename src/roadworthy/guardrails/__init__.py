"""What may be asked, read and said: each guard tells whether it looked, and what came of it."""
