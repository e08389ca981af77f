"""Connectors: one package per system syncd can talk to. Connectors do not know each other."""
