"""Cost, capacity and latency of the topologies on one machine: embedded, fused, distributed."""
