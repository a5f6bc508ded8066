"""What everything else uses: errors, units, random streams, molecules, files, locks, journals, registries."""
