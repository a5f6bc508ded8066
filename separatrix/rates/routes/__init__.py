"""Routes to a rate, one module each with its entry `ROUTE`; see :mod:`separatrix.rates.route`."""
