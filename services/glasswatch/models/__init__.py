"""The model repository as it is kept: third-party models built into it, every model in it checked."""
