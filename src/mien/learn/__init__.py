"""The learning room, the only one with torch: features learned without labels, heads, training, export."""
