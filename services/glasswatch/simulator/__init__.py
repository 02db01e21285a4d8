"""Putting labelled defects into clean media."""
