"""Inputs met in practice, and the answers that are right: each test makes its own input."""
