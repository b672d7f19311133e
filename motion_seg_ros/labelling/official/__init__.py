"""The track network that the paper's authors published."""
