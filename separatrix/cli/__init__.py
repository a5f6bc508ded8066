"""The command `separatrix`; no computing here."""
