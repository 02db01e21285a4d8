"""Measurements of accuracy and speed, on media that is given as an argument."""
