"""Files of a run: their layouts, their state, and whether they are still what was written."""
