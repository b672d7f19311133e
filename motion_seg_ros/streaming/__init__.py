"""Masks in every frame, discovery of new objects in a background thread."""
