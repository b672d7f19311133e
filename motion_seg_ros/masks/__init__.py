"""Pixels and objects from the moving tracks."""
