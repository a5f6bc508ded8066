"""`python -m separatrix.cli` is the same as `separatrix`."""

from separatrix.cli.main import main

main()
