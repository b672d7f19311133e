"""Appearance of the tracks."""
