"""Readers of data sets, one per file; ``--data NAME:PATH`` names one and where its layout lies."""
