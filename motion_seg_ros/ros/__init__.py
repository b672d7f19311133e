"""The lifecycle node: topics, parameters, diagnostics."""
