"""Which sections the page has, in the order of the 2010 report, and the mistakes of the report by name."""

from __future__ import annotations

from mien.reproduce import paper
from mien.reproduce.sections import Section, activations, filters, inflation, overall, people, table_1

SECTIONS = (
    Section(
        "fig1",
        "A sparse autoencoder on natural images (section 2.1, Fig. 1)",
        "A 64-30-64 network, trained one patch at a time, gives weights that look as they should; judged by eye.",
        "The same network, one patch at a time and in batches, on whitened natural images; a Gabor function is "
        "fitted to every filter, and filters by PCA and of noise are the controls.",
        ("fig1",),
        filters,
    ),
    Section(
        "preprocessing",
        "Preprocessing (sections 2.2 and 3.2, Fig. 2)",
        "Stills behind an oval mask; later, faces found by Viola-Jones, 24 × 24 pixels, scaled to −1 … 1.",
        "Both, on a photograph in the public domain. Patches are scaled to 0 … 1, because logistic units cannot "
        "give back negative pixels.",
        ("fig2",),
        None,
    ),
    Section(
        "stills",
        "Features of faces (sections 2.2 and 3.3, Fig. 3)",
        "After four million steps with alpha .2, beta 5 and lambda .002 some filters are local, some global.",
        "The same constants with logistic units, where they are stable; with tanh units alpha .2 diverges, and a "
        "guard stops such a run.",
        ("fig3", "error-curve"),
        overall,
    ),
    Section(
        "method",
        "The method (section 3, Fig. 4)",
        "Features, FACS codes and tracking labels are joined and classified.",
        "The same; FACS codes true, as in the report, or predicted by models that never saw the person; tracking "
        "labels from the data set's own landmarks, or from those that mien's network finds.",
        ("fig4",),
        None,
    ),
    Section(
        "architecture",
        "More layers, more units (sections 3.3 and 4.1)",
        "A second layer (250-100) or 500 units changed little; judged by looking at the weights.",
        "The three are compared by what they are for, classification of unseen people, beside raw pixels and as "
        "many principal components.",
        ("architecture", "features"),
        overall,
    ),
    Section(
        "activations",
        "Which neurons fire for which expression (section 4.2, Fig. 5)",
        "Some neurons fire more for surprise, some more for anger.",
        "The same differences, and how large they are when the labels are dealt out at random.",
        ("fig5",),
        activations,
    ),
    Section(
        "softmax",
        "One of K expressions by softmax (section 4.3)",
        f"Softmax on the features is right for {paper.SOFTMAX_ACCURACY} of {paper.TEST_FRAMES} test frames.",
        "A proper solver, strength chosen on training people, the report’s split first and unseen people after it.",
        ("softmax",),
        overall,
    ),
    Section(
        "table1",
        "One logistic regression per expression (sections 4.3 and 4.4, Table 1, Fig. 6 and 7)",
        "Mean accuracy .761 on features and .849 with FACS codes, on a split that shows the same people in "
        "training.",
        "The same table on the same kind of split, then on unseen people; thresholds are chosen on training "
        "people, and (a′) replaces the true FACS codes by predicted ones.",
        ("fig6", "fig7"),
        table_1,
    ),
    Section(
        "sequence",
        "Sequences against single frames (section 4.4, Fig. 8)",
        "Sequences are said to be better than single frames; one example is shown, no number.",
        "Probabilities are pooled over the frames of every sequence, and the difference to the last frame alone "
        "has an interval.",
        ("fig8", "sequence"),
        overall,
    ),
    Section(
        "leak",
        "What the split is worth",
        "1465 frames of about 327 sequences are divided at random: neighbours of a test frame are in training.",
        "The same classifier under several protocols; the difference is what the split adds, in points.",
        ("leak",),
        inflation,
    ),
    Section(
        "labels",
        "What learning without labels buys",
        "Not in the report, whose case for unsupervised learning it is.",
        "The classifier sees the labels of a few people only; features, raw pixels and principal components of the "
        "same size are compared.",
        ("labels",),
        people,
    ),
    Section(
        "fine-tuned",
        "The step that was left out: fine-tuning",
        "The stack was never trained end to end with labels.",
        "The stack is trained on with labels, on shifted, mirrored and turned copies of the training faces, and "
        "compared with the same network from random weights.",
        ("fine-tuned",),
        overall,
    ),
    Section(
        "family",
        "The belief network of the title, and its family (title, section 1, references [1] to [5])",
        "Named in the title and the introduction; what was run is an autoencoder.",
        "Belief networks, convolutional ones, sparse encoding machines and Gabor filters with boosting, beside "
        "autoencoders and random weights of the same size, on the same aligned faces of unseen people.",
        ("family",),
        overall,
    ),
)

MISTAKES = (
    (
        "Accuracy alone, on one sixth “yes”",
        f"Answering “no” to everything scores {paper.ALWAYS_NO:.3f} on its test set; its features reach .761.",
        "Balanced accuracy, F1, AUC and MCC stand beside it, and every table shows what one gets for nothing.",
    ),
    (
        "The same people on both sides",
        "A random split of frames puts neighbours of nearly every test frame into training.",
        "That split is run under its own name, beside unseen people; the difference is printed in points.",
    ),
    (
        "The answer in the question",
        "CK+ labels were made from FACS codes, so true codes at test time give the label away.",
        "(a) is run with true codes as in the report, (a′) with codes predicted for unseen people.",
    ),
    (
        "A softmax no better than chance",
        ".22 of 150 on six balanced classes is not significantly above 1/6 (p = .054).",
        "A proper solver, and an interval by subject.",
    ),
    (
        "Pixels that the units cannot give back",
        "Inputs run from −1 to 1, logistic outputs from 0 to 1.",
        "Inputs are scaled to 0 … 1.",
    ),
    (
        "A step size that diverges",
        "With tanh units, alpha .2 ends in saturated or dead units.",
        "Logistic units where alpha is .2; a guard stops a diverging run with an error.",
    ),
    (
        "Conclusions by eye or by one example",
        "“More layers do not help” and “sequences are better” have no number.",
        "Both are measured on all people, with an interval by subject for the difference.",
    ),
)
"""What the report gets wrong, by name: what it did, and what is done here."""
