"""Table formats, one per file; a file's name is the suffix it writes."""
