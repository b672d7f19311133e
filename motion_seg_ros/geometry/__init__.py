"""The camera's motion."""
