"""Trajectories, velocities, restraints, stationary points."""
