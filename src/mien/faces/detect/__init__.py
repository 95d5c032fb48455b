"""Face detectors, one per file; ``haar`` is Viola-Jones."""
