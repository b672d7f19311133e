"""Checks of the needs of node and commands on this machine."""
