"""Overlay, static image, palette."""
