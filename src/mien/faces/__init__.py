"""Faces: find them (``detect``), follow them (``track``), cut patches for the models (``patches``)."""
