"""Detectors and the aggregator as services: messages in, messages out, nothing lost and nothing done twice."""
