"""Which tracks move in the world."""
