"""One answer to each statistical question: blocks, time series, binomial counts, committors, rankings."""
