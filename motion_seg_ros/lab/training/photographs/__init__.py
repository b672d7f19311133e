"""Photographs with a free licence, as textures of the training scenes."""
