"""Collective variables: their values and velocities, and the basins that they define."""
