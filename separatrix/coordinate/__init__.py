"""The reaction coordinate: likelihood, selection, uncertainty, and the files of coordinates and observations."""
