"""Rate constants by routes that check each other: harmonic, along the coordinate, and from paths; and what follows."""
