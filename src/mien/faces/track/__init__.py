"""Trackers, one per file: they give each face an id and keep it."""
