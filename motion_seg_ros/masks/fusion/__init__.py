"""Masks from all evidence per pixel, fused and corrected by a small network."""
