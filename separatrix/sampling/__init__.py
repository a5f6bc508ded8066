"""Transition path sampling: shooting moves, rounds, convergence, committor shots."""
