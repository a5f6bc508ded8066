"""One thing of each kind that a package can add to Separatrix, each in one file."""
