"""Devices, number types, memory and files of networks."""
