"""Trained weights: the catalogue, the cache folder, downloads, file formats."""
