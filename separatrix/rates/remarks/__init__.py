"""Sentences of the table of rates on each route, from ``rates.json``: one module for each route of the library."""
