"""The numbers of the comparison, one module per topic."""
