"""Classifiers on top of features, one per file."""
