"""Trained weights: catalogue, cache, download, formats."""
