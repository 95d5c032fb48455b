"""Test bench for what faces show: how often a model is right, how sure, how fast, and what throws it off.

``python -m benchmarks.expressions --model default --wild wild --data ROOT -o DIR`` with FER+ under ``ROOT/ferplus``
and CK+ under ``ROOT``; prints its figures and writes ``figures.json`` and charts. No pixel of a face is written.

::

    material     FER+ validation and CK+ as arrays      validation   FER+ validation: aligned faces, plain boxes
    measures     figures with intervals                 unseen       CK+ by a model that saw no CK+ label
    degradation  what is done to pictures, by level     heldout      tables of mien evaluate, in CK+'s conventions
    robustness   accuracy by level of degradation       speed        milliseconds, bytes, the same bits again
    plots        charts of numbers                      report       rows: printed, written, published
    table1       the 2010 report's Table 1 with action units that the network predicts
"""
