"""Configuration: from YAML to checked objects, with one line for every mistake."""
