"""Masks from a promptable video segmenter, clicked by the moving tracks."""
