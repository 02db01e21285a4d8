"""Telling a person what was found: JSON, HTML, JUnit."""
