"""Track network that the paper's authors published."""
