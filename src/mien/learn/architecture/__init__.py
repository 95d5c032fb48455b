"""How many layers of how many units a data set supports: estimates, each with an interval, and one recipe."""
