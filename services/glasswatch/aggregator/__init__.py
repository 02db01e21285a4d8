"""Decisions: detections become events; pure functions of their inputs and state."""
