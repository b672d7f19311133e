"""Points followed over the window."""
