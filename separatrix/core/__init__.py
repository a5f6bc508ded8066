"""What everything stands on: errors, units, random streams, molecules, files, locks, journals, registries."""
