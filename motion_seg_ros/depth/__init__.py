"""Depth of the frames of the window."""
