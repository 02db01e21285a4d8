"""Accuracy: detectors against labelled defects, hard negatives and clean media, beside open tools on the same files."""
