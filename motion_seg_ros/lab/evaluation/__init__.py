"""Data sets, measures, reports."""
