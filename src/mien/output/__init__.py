"""Where results go: tables, annotated video, plots."""
