"""The teacher labels faces: ``teacher-env/bin/python label.py --data ROOT -o labels.npz [--workers 2]``.

Runs in the environment that ``setup`` makes, nowhere else. ROOT holds ``portraits``, ``ferplus``, ``ckplus128``
and ``natural``. Every picture is labelled twice, as it is and mirrored, and the two answers are averaged:
``agreement`` is their mean distance in inter-ocular distances, a measure of how far the teacher can be believed.
Small crops are enlarged and given a border first, because the teacher's detector wants air around a face.

The file has one entry per picture and face: ``name`` (path under ROOT), ``points`` float32 (n, 68, 3) in pixels
of the picture (z in the same unit), ``agreement`` float32, ``faces`` (how many the picture has). Pictures without
a face have one entry of NaN. What it found is printed as a table.
"""

from __future__ import annotations

import argparse
import os
import sys
from multiprocessing import Pool
from pathlib import Path

os.environ.setdefault("GLOG_minloglevel", "3")

import cv2
import numpy as np
from points68 import MIRRORED, VERTICES, points68

FAR = 9.0  # agreement of a face that only one of the two looks found


# folder: (pattern, enlarged by, border in pixels after that, most faces)
SETS = {
    "portraits": ("*.jpg", 1, 0, 8),
    "ckplus128": ("*/*.png", 2, 64, 1),
    "ferplus": ("FER2013Train/*.png", 4, 64, 1),
    "natural": ("*.jpg", 2, 0, 8),
}


def look(mesh, grey: np.ndarray) -> list[np.ndarray]:
    """The meshes in a grey picture, float32 (468, 3) in its pixels."""
    height, width = grey.shape
    found = mesh.process(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)).multi_face_landmarks or []
    size = (width, height, width)
    return [np.array([(p.x, p.y, p.z) for p in face.landmark[:VERTICES]], np.float32) * size for face in found]


def label(mesh, grey: np.ndarray, enlarged: int, border: int) -> list[tuple[np.ndarray, float]]:
    """Points and agreement of every face in a grey picture, in its own pixels."""
    view = (
        grey if enlarged == 1 else cv2.resize(grey, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
    )
    view = cv2.copyMakeBorder(view, border, border, border, border, cv2.BORDER_REPLICATE) if border else view
    seen = [points68(face) for face in look(mesh, view)]
    turned = [points68(face)[list(MIRRORED)] for face in look(mesh, np.ascontiguousarray(view[:, ::-1]))]
    for face in turned:
        face[:, 0] = view.shape[1] - face[:, 0]
    answers = []
    for face in seen:
        apart = float(np.linalg.norm((face[36:42] - face[42:48]).mean(axis=0)[:2]))
        distances = [
            float(np.linalg.norm((face - other)[:, :2], axis=1).mean()) / max(apart, 1e-6) for other in turned
        ]
        nearest = int(np.argmin(distances)) if distances else -1
        agrees = nearest >= 0 and distances[nearest] < 1
        points = (face + turned[nearest]) / 2 if agrees else face
        # MediaPipe's 0..1 spans the picture's outer edges; here an integer is the centre of a pixel.
        points[:, :2] = (points[:, :2] - border) / enlarged - 0.5
        points[:, 2] /= enlarged
        answers.append((points, distances[nearest] if agrees else FAR))
    return answers


def work(job: tuple[Path, str, list[str]]) -> list[tuple[str, np.ndarray, float, int]]:
    import mediapipe

    root, folder, names = job
    _, enlarged, border, most = SETS[folder]
    rows = []
    with mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=most, min_detection_confidence=0.3
    ) as mesh:
        for name in names:
            grey = cv2.imread(str(root / name), cv2.IMREAD_GRAYSCALE)
            if grey is None:
                sys.exit(f"label: {root / name}: not a picture that can be read")
            answers = label(mesh, grey, enlarged, border)
            if not answers:
                rows.append((name, np.full((68, 3), np.nan, np.float32), np.nan, 0))
            rows.extend((name, points, agreement, len(answers)) for points, agreement in answers)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", dest="out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    jobs = []
    for folder, (pattern, *_) in SETS.items():
        names = sorted(str(p.relative_to(given.data)) for p in (given.data / folder).glob(pattern))
        if not names:
            sys.exit(f"label: {given.data / folder}: no pictures {pattern} there")
        jobs += [(given.data, folder, names[k : k + 500]) for k in range(0, len(names), 500)]
    with Pool(given.workers) as pool:
        rows = [row for part in pool.imap(work, jobs) for row in part]
    names, points, agreement, faces = zip(*rows, strict=True)
    with given.out.open("wb") as file:
        np.savez_compressed(
            file,
            name=np.array(names),
            points=np.stack(points),
            agreement=np.array(agreement, np.float32),
            faces=np.array(faces, np.int32),
        )
    print("| pictures | number | with a face | faces | agreement: median | 95 % below |\n|---|---|---|---|---|---|")
    for folder in SETS:
        mine = np.array([name.startswith(folder + "/") for name in names])
        found = mine & (np.array(faces) > 0)
        pictures, with_face = (len({n for n, k in zip(names, which, strict=True) if k}) for which in (mine, found))
        spread = np.array(agreement)[found]
        middle, high = np.quantile(spread, [0.5, 0.95]) if len(spread) else (np.nan, np.nan)
        print(f"| {folder} | {pictures} | {with_face} | {int(found.sum())} | {middle:.3f} | {high:.3f} |")


if __name__ == "__main__":
    main()
