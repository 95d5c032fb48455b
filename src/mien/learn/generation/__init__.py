"""From faces to a generator file: composites, layers, joint machine, export."""
