"""The block corruption network: what it learns from, how, and what it is released as."""
