"""Faces drawn from a generator: what is asked for, the chain that answers, and how near real faces it comes."""
