"""Settings: their declaration, those of the pipeline and those of the node."""
