"""What services tell about themselves: metrics, health and logs. Only the extra `cluster` has what `metrics` needs."""
