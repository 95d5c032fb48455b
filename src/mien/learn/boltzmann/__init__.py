"""Restricted Boltzmann machines, and what is built of them: the belief networks of the report's title."""
