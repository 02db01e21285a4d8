"""How well audio artifacts are found: seconds, events, false alarms and cost."""
