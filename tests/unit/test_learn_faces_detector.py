"""The detector: what it should answer, what it is told for its answers, and how faces are read from them."""

import pytest
import torch

from mien.learn.faces import calibration, detector, detector_figures, detector_targets
from mien.learn.faces.detector_network import EYES, OFFSET, SCORE, SIDE, STRIDE, UNIT, Detector, Options
from mien.learn.faces.scenes import ABSENT, IGNORED, POSITIVE, Batch

FACES = ((40.0, 52.0, 30.0, POSITIVE), (120.0, 60.0, 48.0, POSITIVE), (100.0, 20.0, 24.0, IGNORED))
EYES_AT = (-0.18, -0.1, 0.18, -0.1)


def _batch(*faces):
    rows = torch.tensor([faces])
    states = rows[..., 3].long()
    eyes = torch.tensor(EYES_AT).expand(1, len(faces), 4)
    return Batch(
        torch.zeros(1, 1, 96, 160), rows[..., :2], rows[..., 2], eyes, states, torch.zeros(1, len(faces), 68, 2)
    )


def _perfect(batch):
    """The answers that the targets ask for."""
    wanted = detector_targets.targets(batch)
    cells = torch.zeros(1, 8, *wanted.heat.shape[1:])
    cells[:, SCORE] = torch.logit(wanted.heat.clamp(1e-4, 1 - 1e-4))
    cells[:, OFFSET], cells[:, SIDE], cells[:, EYES] = wanted.centre, (wanted.side / UNIT).log(), wanted.eyes
    return cells, wanted


def test_the_targets_are_read_back_as_the_faces():
    cells, _ = _perfect(_batch(*FACES))
    (found,) = detector_targets.decode(cells, lowest=2.0)
    assert len(found) == 2
    for x, y, side, state in FACES[:2]:
        nearest = found[(found[:, 1] - x).abs().argmin()]
        assert nearest[1:4].tolist() == pytest.approx([x, y, side], abs=1e-3)
        assert nearest[4:].tolist() == pytest.approx(EYES_AT)
        assert state == POSITIVE


def test_pixel_zero_lies_half_a_pixel_into_the_first_cell():
    wanted = detector_targets.targets(_batch((3.5, 3.5, 20.0, POSITIVE)))
    assert wanted.heat[0, 0, 0] == 1
    assert wanted.centre[0, :, 0, 0].tolist() == pytest.approx([0, 0])


def test_the_loss_is_least_at_the_targets():
    cells, wanted = _perfect(_batch(*FACES))
    losses = detector_targets.Losses()
    least = detector_targets.loss(cells, wanted, losses)
    for channel in range(8):
        worse = cells.clone()
        worse[:, channel] += 1.0 if channel != SCORE else 3.0
        assert detector_targets.loss(worse, wanted, losses) > least + 0.05


def test_where_a_face_is_ignored_any_score_is_right_and_beside_it_none():
    cells, wanted = _perfect(_batch(*FACES))
    losses = detector_targets.Losses()
    at = int(20 // STRIDE), int(100 // STRIDE)
    assert not wanted.counts[0, at[0], at[1]]
    claimed, alarm = cells.clone(), cells.clone()
    claimed[0, SCORE, at[0], at[1]] = 8.0
    alarm[0, SCORE, 10, 0] = 8.0
    before = float(detector_targets.loss(cells, wanted, losses))
    assert float(detector_targets.loss(claimed, wanted, losses)) == pytest.approx(before)
    assert float(detector_targets.loss(alarm, wanted, losses)) > before + 1


def test_two_answers_about_one_face_are_one():
    cells = torch.full((1, 8, 12, 20), -9.0)
    cells[:, 1:] = 0
    cells[0, SIDE] = torch.log(torch.tensor(80 / UNIT))
    cells[0, SCORE, 5, 5], cells[0, SCORE, 5, 7] = 3.0, 2.0
    (found,) = detector_targets.decode(cells, lowest=0.0)
    assert found[:, 0].tolist() == [3.0]


def test_overlap_of_squares():
    first = torch.tensor([[10.0, 10.0, 4.0]])
    second = torch.tensor([[10.0, 10.0, 4.0], [12.0, 10.0, 4.0], [30.0, 10.0, 4.0]])
    assert detector_targets.overlaps(first, second)[0].tolist() == pytest.approx([1.0, 1 / 3, 0.0])


def test_figures_count_what_is_found_missed_and_invented():
    batch = _batch(*FACES, (20.0, 20.0, 20.0, ABSENT))
    cells, _ = _perfect(batch)
    cells[:, SCORE] = -9.0
    cells[0, SCORE, 6, 4] = 4.0  # the cell of the first face
    cells[0, SCORE, 2, 12] = 5.0  # the ignored face: neither right nor wrong
    cells[0, OFFSET, 2, 12], cells[0, SIDE, 2, 12] = 0.0, -0.3
    cells[0, SCORE, 10, 1] = 1.0  # nothing there
    cells[0, OFFSET, 10, 1], cells[0, SIDE, 10, 1] = 0.0, 0.0
    answers = detector_figures.ask(lambda _: cells, [batch])
    assert sorted(answers.scores[answers.right]) == [4.0]
    assert sorted(answers.scores[~answers.right]) == [1.0]
    found = detector_figures.figures(answers)
    assert found["recall_at_precision_0.98"] == 0.5
    assert found["average_precision"] == 0.5
    assert found["overlap"] == pytest.approx(1.0, abs=1e-3)


def test_calibration_by_the_last_layer_is_the_logistic_of_the_logit():
    torch.manual_seed(0)
    network = Detector(Options()).eval()
    picture = torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        before = network(picture)
        detector.calibrate(network, bias=-0.5, slope=1.7)
        after = network(picture)
    torch.testing.assert_close(after[:, SCORE], before[:, SCORE] * 1.7 - 0.5)
    assert torch.equal(after[:, 1:], before[:, 1:])


def test_one_answer_per_cell_whatever_the_size():
    network = Detector(Options((8, 8, 8, 8, 8))).eval()
    assert network(torch.zeros(2, 1, 96, 160)).shape == (2, 8, 96 // STRIDE, 160 // STRIDE)
    with pytest.raises(ValueError, match="five"):
        Options((8, 8))


def test_scores_become_the_share_that_is_right():
    random = torch.Generator().manual_seed(1)
    scores = torch.randn(4000, generator=random).double().numpy() * 2
    right = torch.rand(4000, generator=random).numpy() < 1 / (1 + 2.718281828 ** -(scores * 1.5 - 1))
    bias, slope = calibration.logistic(scores, right)
    assert (bias, slope) == pytest.approx((-1, 1.5), abs=0.2)
