"""The engines: each module holds one, as `ENGINE`, and is called as the config calls it."""
