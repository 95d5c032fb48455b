"""Convolutional networks with two heads: expressions and facial action units.

::

    recipe      what the TOML says                   train        data to a trained network: the corridor
    step        faces in, loss out                   pretraining  a start without labels
    backbone    the network                          targets      labels, votes and codes as numbers
    views       faces as the network sees them       calibration  scores to probabilities
    export      torch to a model file                start        and back, to learn on
"""
