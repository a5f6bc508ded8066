"""Typed sections of a config file and of a system file, one module per topic."""
