"""Test bench for finding and following faces: pictures made by code, with exact truth.

``python -m benchmarks.faces -o DIR`` runs it on drawn people; with ``--data ROOT --labels labels.npz`` on the
held-out people of the portraits in the held-out face-free scenes, which is what its figures are about.

::

    sources      portraits and scenes to make pictures of     detection   matching, precision and recall, intervals
    cutouts      a head with shoulders, and its 68 points     landmarks   error of points, jitter on a still face
    composites   still scenes of 0 to 12 faces                tracking    MOTA, IDF1, HOTA, switches
    degradation  blur, noise, low light, occlusion            speed       milliseconds, side by side
    motions      clips: crossing, occlusion, cuts, ...        report      goals, tables, files
    plots        figures of numbers                           look        example pictures with their truth drawn
"""
