"""Training of mien's own face networks: detector, landmarks and signature.

::

    bank         pictures, points and splits in one file    crops        faces cut out at random, on the device
    landmarks    trains ``landmark_network``                signature    trains ``signature_network``
    detector     trains ``detector_network``                export       torch to a sealed ONNX file
    command      what the three commands share              calibration  scores to probabilities
"""
