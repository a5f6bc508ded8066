"""The criteria of convergence: each module holds one, as `CRITERION`."""
