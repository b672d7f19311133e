"""Masks what moves in the world in a camera image, for ROS 2."""

__version__ = "0.1.0"
