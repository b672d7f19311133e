"""How settings are declared; the pipeline's and the node's."""
