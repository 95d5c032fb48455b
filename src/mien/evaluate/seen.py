"""Whether a model was trained on faces that it is to be scored on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.data.parts import by_part
from mien.errors import DataError

if TYPE_CHECKING:
    from mien.data.dataset import Dataset
    from mien.modelfile import ModelFile


def refuse(file: ModelFile, dataset: Dataset) -> str:
    """Stop where the faces of ``dataset``, or of one of its official parts, were in the model's training.

    Sets are known by their fingerprints: a model file holds those of all that it was trained on, and of all that
    the model it started from was trained on. One face more or less makes another set, which is not noticed.

    Returns:
        The fingerprint of ``dataset``.

    Raises:
        DataError: they were; or a face cannot be read.
    """
    known = _fingerprints(file)
    whole = dataset.fingerprint()
    found = {dataset.name: whole}
    pieces = by_part(dataset)
    if len(pieces) > 1:
        found |= {f"{dataset.name}, part {part}": piece.fingerprint() for part, piece in pieces.items()}
    leaks = [name for name, fingerprint in found.items() if fingerprint in known]
    if leaks:
        raise DataError(
            f"{file.path}: was trained on these very faces ({leaks[0]}); its score on them would be a leak. "
            "Use --protocol subject-10fold, which trains anew without the people it scores"
        )
    return whole


def _fingerprints(file: ModelFile) -> set[str]:
    notes = file.meta.notes
    found = {file.meta.provenance.fingerprint, *notes.get("fingerprints", ())}
    return found | {one["fingerprint"] for one in notes.get("trained_on", ()) if "fingerprint" in one}
