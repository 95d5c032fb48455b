"""Honest numbers: predictions of held-out subjects, and everything recomputed from them."""
