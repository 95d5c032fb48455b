"""The report's figures, drawn anew, one a file: data go in, the bytes of an SVG or PNG come out.

The same data give the same bytes. The modules import matplotlib, which is an extra: load them through
``mien.plugins.load`` (``filters`` alone needs none).
"""
