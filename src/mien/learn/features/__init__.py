"""Feature learners, one per file: they see faces without labels."""
