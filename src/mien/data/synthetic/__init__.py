"""Faces drawn by code, with exact truth: every command and test of the learning side runs without a data set.

::

    people      who: shape and greys from a seed           expressions  which action units an expression takes
    anatomy     the 68 points of a face at rest            actions      where action units move the points
    canvas      anti-aliased soft brushes                  shading      light and shadow of the skin
    features    eyes, brows, nose, mouth                   portrait     all of it onto a picture, with its truth
    crops       one face as a detector would cut it out    sequences    neutral to apex and back
    scene       several people who walk through a frame

A drawn face is a cartoon. It shows that code works, never how well it works on people.
"""
