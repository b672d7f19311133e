"""Masks at once, discovery in the background."""
