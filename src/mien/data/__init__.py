"""Data sets: what one is (``dataset``), readers by name (``readers``), which faces can be read (``readable``), who
shows what (``census``), splits by subject (``splits``), synthetic faces.
"""
