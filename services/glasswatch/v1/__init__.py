"""Generated from proto/glasswatch/v1 by `make proto`; only `glasswatch.wire` imports it."""
