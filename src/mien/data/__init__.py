"""Data sets: what one is (``dataset``), readers by name (``readers``), splits by subject, synthetic faces."""
