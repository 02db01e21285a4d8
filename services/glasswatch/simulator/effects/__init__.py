"""The effects; each module lists its injectors in INJECTORS."""
