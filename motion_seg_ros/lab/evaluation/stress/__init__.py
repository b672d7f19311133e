"""Recordings made worse on purpose, to show what a pipeline loses."""
