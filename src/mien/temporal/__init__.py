"""What happens over time: causal smoothing per face, and the summary of a run."""
