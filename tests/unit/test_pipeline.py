"""The corridor, end to end with a tiny model and a scripted detector."""

import dataclasses
import gc
import itertools
import json
import threading
import weakref

import cv2
import numpy as np
import pytest
from skimage import data

import mien
from mien import modelfile, pipeline, recipe
from mien.errors import InputError, ModelError, RecipeError, UnknownPartError, UsageError
from mien.faces import patches
from mien.faces.shape import Placement, mean_shape, placed
from mien.models.onnx import OnnxModel
from mien.types import Box, Frame, Landmarks
from mien.video.arrays import ArraySource, frame_from_array
from mien.video.opening import open_source
from mien.video.pace import Pace

LABELS = ("anger", "happiness", "neutral")


@pytest.fixture(scope="module")
def astronaut():
    """The face and what is around it, RGB, 200 x 200."""
    return cv2.resize(data.astronaut()[0:320, 70:390], (200, 200), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def made(tiny_model):
    return mien.load(tiny_model)


@pytest.fixture(scope="module")
def model(tiny_model):
    return mien.load_model(tiny_model)


@pytest.fixture(scope="module")
def table(tiny_model, astronaut):
    """Four frames with a face and one without."""
    return mien.analyze(timed([*clip(astronaut, 4), np.zeros((200, 200, 3), np.uint8)]), model=tiny_model)


def clip(astronaut, count=12):
    """The face, walking a little to the right."""
    return [np.roll(astronaut, 2 * place, axis=1) for place in range(count)]


def timed(arrays, rate=25):
    return ArraySource(arrays, times=[i / rate for i in range(len(arrays))])


def same(one, other):
    """Exactly, down to the last landmark."""
    np.testing.assert_equal([dataclasses.asdict(r) for r in one], [dataclasses.asdict(r) for r in other])


@pytest.mark.parametrize(("plan", "tentative"), [(None, 2), ("viola_jones", 1)])
def test_run(tiny_model, astronaut, plan, tentative):
    results = list(mien.load(tiny_model, recipe=plan).run(timed(clip(astronaut))))
    assert [r.frame for r in results] == list(range(12))
    assert [r.time for r in results] == [i / 25 for i in range(12)]
    assert [[face.face for face in r.faces] for r in results] == [[1]] * 12
    assert [r.faces[0].state for r in results] == ["tentative"] * tentative + ["confirmed"] * (12 - tentative)
    for result in results:
        (face,) = result.faces
        assert face.probabilities.shape == (3,)
        assert face.probabilities.sum() == pytest.approx(1)
        assert face.expression == LABELS[int(face.probabilities.argmax())]
        assert face.box.overlap(Box(64 + 2 * result.frame, 40, 61, 61)) > 0.5
        assert 0 < face.score <= 1
        assert (face.landmarks is None) == (face.pose is None) == (face.quality is None) == (plan is not None)


def test_no_face_is_a_result_too(made):
    results = list(made.run(timed([np.full((60, 80), 99, np.uint8)] * 3)))
    assert [(r.frame, r.faces, r.lost) for r in results] == [(i, (), ()) for i in range(3)]


def test_one_corridor_for_run_watch_and_push(made, astronaut):
    arrays = clip(astronaut)
    run = list(made.run(timed(arrays)))
    watched = list(made.watch(timed(arrays)))
    session = made.session()
    same(run, [session.push(frame_from_array(a, i, i / 25)) for i, a in enumerate(arrays)])
    same(run, [result for _, result in watched])
    assert [frame.index for frame, _ in watched] == list(range(12))


def test_sessions_do_not_know_each_other(made, astronaut):
    one, other = made.session(), made.session()
    for place in range(3):
        one.push(frame_from_array(astronaut, place, place / 25))
    (face,) = other.push(frame_from_array(astronaut, 0, 0.0)).faces
    assert (face.face, face.state) == (1, "tentative")


def test_a_file_and_its_frames_give_the_same(made, make_clip, astronaut):
    path = make_clip(
        "a.mp4", size=(200, 200), count=8, draw=lambda place, *_: np.roll(astronaut, 2 * place, axis=1)
    )
    with open_source(path) as source:
        frames = list(source)
    session = made.session()
    same(list(made.run(path)), [session.push(frame) for frame in frames])


def test_pictures_without_a_clock(made, astronaut):
    results = list(made.run([astronaut, astronaut[:, ::-1], astronaut]))
    assert [r.time for r in results] == [None] * 3
    assert [len(r.faces) for r in results] == [1] * 3


def test_a_time_that_stands_still(made, astronaut):
    results = list(made.run(ArraySource([astronaut] * 4, times=[0.0, 0.0, 0.04, 0.04])))
    assert [[face.face for face in r.faces] for r in results] == [[1]] * 4


@pytest.mark.parametrize(("every", "due"), [(0.1, [0, 3, 5, 8, 10]), (0.04, list(range(12))), (1, [0]), (9e9, [0])])
def test_every(made, astronaut, every, due):
    results = list(made.run(timed(clip(astronaut)), every=every))
    assert [r.frame for r in results] == due
    watched = list(made.watch(timed(clip(astronaut)), every=every))
    assert [frame.index for frame, result in watched if result is not None] == due
    assert len(watched) == 12


def test_pace_at_a_varying_rate():
    pace = Pace(0.5)
    times = [0.0, 0.1, 0.49, 0.5, 0.51, 1.7, 1.8, 2.0, 7.25, 7.5]
    due = [t for t in times if pace.due(Frame(0, t, None))]
    assert due == [0.0, 0.5, 1.7, 2.0, 7.25, 7.5]


def test_pace_at_common_rates_takes_exactly_one_per_step():
    for rate in (24, 25, 30, 30000 / 1001, 60):
        pace = Pace(0.1)
        due = [t for t in (i / rate for i in range(int(20 * rate))) if pace.due(Frame(0, t, None))]
        assert len(due) == pytest.approx(200, abs=1)
        assert all(t // 0.1 != u // 0.1 or abs(t - u) > 0.05 for t, u in itertools.pairwise(due))


@pytest.mark.parametrize("every", [0, -1, float("nan")])
def test_impossible_paces(made, astronaut, every):
    with pytest.raises(UsageError, match="--every must be above 0 seconds"):
        list(made.run(timed([astronaut]), every=every))


def test_every_needs_a_clock(made, astronaut):
    with pytest.raises(InputError, match="no clock"):
        list(made.run([astronaut], every=1))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_frame_that_is_not_finite_is_named(made, astronaut, wrong):
    broken = astronaut / 255
    broken[3, 4, 1] = wrong
    taken = []
    with pytest.raises(InputError, match="frame 2 holds NaN or infinite values"):
        taken.extend(made.run([astronaut, astronaut, broken, astronaut]))
    assert [face.probabilities.sum() for r in made.run([astronaut]) for face in r.faces] == pytest.approx([1])


def test_results_do_not_hold_frames(made, astronaut):
    """Constant memory: once its result is there, a frame can go."""
    session, frames, results = made.session(), [], []
    for place in range(30):
        frame = frame_from_array(np.roll(astronaut, place, axis=1), place, place / 25)
        results.append(session.push(frame))
        frames.append(weakref.ref(frame.pixels.grey()))
        del frame
    gc.collect()
    assert sum(ref() is not None for ref in frames) <= 1
    assert sum(bool(r.faces) for r in results) > 25


def test_people_who_left_are_forgotten(made, astronaut):
    session, empty = made.session(), np.full((200, 200), 99, np.uint8)
    last = 0
    for visit in range(3):
        begin = visit * (made.recipe.track.options.max_gap + 1)
        for place in range(4):
            (face,) = session.push(frame_from_array(astronaut, 5 * visit + place, begin + place / 25)).faces
        assert (face.face > last, face.state) == (True, "confirmed")
        last = face.face
        assert session.push(frame_from_array(empty, 5 * visit + 4, begin + 0.2)).lost == (last,)
    assert list(session.smoother._state) == [last]


def test_a_run_that_is_left_closes_its_source(made, astronaut):
    closed = []

    class Watched(ArraySource):
        def close(self):
            closed.append(True)
            super().close()

    for _ in made.run(Watched([astronaut] * 50)):
        break
    gc.collect()
    assert closed


def test_two_threads_on_one_pipeline(made, astronaut):
    arrays = [clip(astronaut, 10), [a[:, ::-1] for a in clip(astronaut, 10)]]
    alone = [list(made.run(timed(a))) for a in arrays]
    together = [[], []]
    threads = [
        threading.Thread(target=lambda k=k: together[k].extend(made.run(timed(arrays[k])))) for k in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        same(one, other)


def test_the_face_that_is_scored_is_the_one_in_the_box(made, astronaut, tiny_model):
    frame = frame_from_array(astronaut, 0, 0.0)
    (face,) = made.session().push(frame).faces
    patch = patches.cut(frame.pixels.grey(), face.box, patches.Options())
    expected = OnnxModel(modelfile.read(tiny_model)).run(patch[None]).expressions[0]
    np.testing.assert_allclose(face.probabilities, expected, atol=1e-6)


class TestTable:
    def test_pyarrow(self, table):
        pyarrow = pytest.importorskip("pyarrow")
        read = pyarrow.table(table)
        assert read.column_names[:9] == [
            "frame",
            "time",
            "face",
            "x",
            "y",
            "width",
            "height",
            "face_score",
            "expression",
        ]
        assert read.column_names[9:12] == list(LABELS)
        assert read["frame"].to_pylist() == [0, 1, 2, 3, 4]
        assert read["face"].to_pylist() == [1, 1, 1, 1, None]
        metadata = {k.decode(): v.decode() for k, v in read.schema.metadata.items()}
        assert metadata["model"] == "tiny"
        assert metadata["labels"] == " ".join(LABELS)
        assert (metadata["frames"], metadata["frames_without_face"]) == ("5", "1")
        assert metadata["mien_version"] == mien.__version__
        assert metadata["synthetic"] == "yes"
        assert recipe.parse(metadata["recipe"], "r")["detect"]["name"] == pipeline.DEFAULT["detect"]

    def test_polars(self, table):
        read = pytest.importorskip("polars").DataFrame(table)
        assert read.height == 5
        np.testing.assert_allclose(read.drop_nulls().select(LABELS).to_numpy().sum(axis=1), 1, atol=1e-6)

    def test_pandas(self, table):
        pandas = pytest.importorskip("pandas")
        if not hasattr(pandas.DataFrame, "from_arrow"):
            pytest.skip("pandas before 3 has no from_arrow")
        read = pandas.DataFrame.from_arrow(table)
        assert read["time"].tolist() == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


def test_analyze_every_and_recipe(tiny_model, astronaut, tmp_path):
    plan = tmp_path / "r.toml"
    plan.write_text("[smoothing]\nseconds = 0\n")
    table = mien.analyze(timed(clip(astronaut)), model=tiny_model, recipe=plan, every=0.2)
    assert table.num_rows == 3
    text = dict(table.schema.metadata)[b"recipe"].decode()
    assert recipe.parse(text, "r")["smoothing"]["seconds"] == 0


def test_a_table_of_nothing(tiny_model):
    table = mien.analyze(ArraySource([]), model=tiny_model)
    assert table.num_rows == 0
    assert set(LABELS) < set(table.schema.names)


class TestPredict:
    def test_bytes_floats_grey_and_colour_agree(self, model, astronaut):
        grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
        crops = [grey, grey / 255, (grey / 255).astype(np.float32), np.repeat(grey[..., None], 3, axis=2)]
        scores = model.predict(crops)
        assert scores.shape == (4, 3)
        assert scores.dtype == np.float64
        np.testing.assert_allclose(scores.sum(axis=1), 1)
        np.testing.assert_allclose(scores, np.repeat(scores[:1], 4, axis=0), atol=1e-12)

    def test_crops_may_be_of_any_size(self, model, astronaut):
        scores = model.predict([astronaut, astronaut[:37, :50], astronaut[::2, ::2].copy(), astronaut[:1, :1]])
        assert scores.shape == (4, 3)

    def test_one_array_of_many(self, model, astronaut):
        many = np.stack([astronaut, astronaut[:, ::-1]])
        np.testing.assert_array_equal(model.predict(many), model.predict(list(many)))
        np.testing.assert_array_equal(
            model.predict(many[..., 0]), model.predict([many[0, ..., 0], many[1, ..., 0]])
        )

    def test_none(self, model):
        assert model.predict([]).shape == (0, 3)
        assert model.predict(np.zeros((0, 24, 24), np.uint8)).shape == (0, 3)
        assert model.labels == LABELS

    def test_not_what_it_takes(self, model, astronaut):
        broken = astronaut / 255
        broken[0, 0, 0] = np.nan
        for crops, words in (
            ([astronaut, broken], "frame 1 holds NaN"),
            ([astronaut.astype(np.int32)], "frame 0 has dtype int32"),
            ([astronaut * 1.0], "must be in"),
            (astronaut[..., 0], r"frame 0 has shape \(200,\)"),
            (astronaut, "is one colour crop; put it in a list"),
            ([astronaut.tolist()], "is a list, not a numpy array"),
        ):
            with pytest.raises(InputError, match=words):
                model.predict(crops)

    def test_it_says_what_it_is(self, model, tiny_model):
        assert model.meta.name == "tiny"
        assert model.sha256 == modelfile.read(tiny_model).sha256


@pytest.mark.parametrize("wrong", [{"size": 2}, {"size": "24"}, {"sise": 24}, {"interpolation": "cubic"}])
def test_preprocessing_that_this_mien_cannot_do(tmp_path, tiny_graph, tiny_meta, wrong):
    path = tmp_path / "m.onnx"
    modelfile.write(path, tiny_graph(), tiny_meta(preprocessing=wrong))
    with pytest.raises(ModelError, match=r"m\.onnx: preprocessing.*another version of mien"):
        mien.load(path)


def test_a_graph_for_patches_of_another_size(tmp_path, tiny_graph, tiny_meta):
    path = tmp_path / "m.onnx"
    modelfile.write(path, tiny_graph(size=32), tiny_meta())
    with pytest.raises(
        ModelError, match=r"m\.onnx: .*cuts patches \(n, 24, 24\), but the graph wants \(n, 32, 32\)"
    ):
        mien.load_model(path)


class TestRecipes:
    def test_the_defaults_spelled_out(self, tmp_path):
        defaults = pipeline.read_recipe()
        tables = recipe.parse(defaults.text, "r")
        assert list(tables) == ["detect", "follow", "track", "shots", "smoothing", "baseline", "abstention"]
        path = tmp_path / "r.toml"
        path.write_text(defaults.text)
        assert pipeline.read_recipe(path) == defaults

    def test_the_shipped_recipe_is_the_defaults(self):
        assert pipeline.read_recipe("analyze") == pipeline.read_recipe()

    def test_the_path_of_the_paper_needs_no_network(self):
        read = pipeline.read_recipe("viola_jones")
        assert (read.detect.name, read.follow.name, read.track.name) == ("haar", "boxes", "overlap")
        assert not read.landmarks
        assert pipeline.read_recipe("analyze").landmarks

    @pytest.mark.parametrize(
        ("text", "words", "error"),
        [
            ("[detekt]\n", "unknown table 'detekt'; known: detect, follow, track, shots, smoothing", RecipeError),
            ("every = 1\n", "unknown table 'every'", RecipeError),
            ("detect = 3\n", "detect must be a table", RecipeError),
            ("[detect]\nstep = 3\n", "detect: unknown key 'step'", RecipeError),
            ("[follow]\ninterval = -1\n", "follow: the intervals must be 0 seconds or more", RecipeError),
            ("[follow]\ninterval = nan\n", "follow: interval must be a number", RecipeError),
            ("[track]\nname = 'overlop'\n", "did you mean overlap", UnknownPartError),
            ("[smoothing]\nseconds = true\n", "smoothing: seconds must be float, not True", RecipeError),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path, tiny_model, text, words, error):
        path = tmp_path / "r.toml"
        path.write_text(text)
        with pytest.raises(error) as caught:
            mien.load(tiny_model, recipe=path)
        assert words in str(caught.value)

    def test_no_such_recipe(self, tiny_model):
        with pytest.raises(UnknownPartError, match="no such recipe file"):
            mien.load(tiny_model, recipe="nowhere.toml")


class Networks:
    """Landmarks where the astronaut's face is told to be, signatures all alike; notes what is loaded and asked."""

    def __init__(self):
        self.loaded, self.runs = [], 0
        self.place = Placement(94, 70, 61)

    def fill(self, made):
        for job in ("landmarks", "signature"):
            made._shared.get(job, lambda job=job: self.loaded.append(job) or self)
        return made

    def find(self, grey, placements, looks=1):
        self.runs += 1
        bright = grey.mean() > 20
        return [
            Landmarks(
                self.place.points(mean_shape()[:, :2]).astype(np.float32),
                np.ones(68, np.float32),
                0.9 if bright and place.box.overlap(self.place.box) > 0.3 else 0.1,
            )
            for place in placements
        ]

    def of(self, grey, placements):
        return np.full((len(placements), 64), 1 / 8, np.float32)

    def same(self, cosine):
        return 0.97 if cosine > 0.9 else 0.01


class TestLandmarks:
    PLAN = "[detect]\nname = 'haar'\n[follow]\nname = 'points'\n[track]\nname = 'identity'\n"

    @pytest.fixture
    def networks(self):
        return Networks()

    @pytest.fixture
    def followed(self, networks, tiny_model, tmp_path):
        plan = tmp_path / "r.toml"
        plan.write_text(self.PLAN)
        return networks.fill(mien.load(tiny_model, recipe=plan))

    def test_what_a_row_then_holds(self, followed, astronaut):
        results = list(followed.run(timed([astronaut] * 6)))
        assert [r.faces[0].state for r in results] == ["tentative"] * 2 + ["confirmed"] * 4
        for result in results:
            (face,) = result.faces
            assert face.landmarks.points.shape == (68, 2)
            assert face.box.overlap(placed(face.landmarks.points).box) > 0.999
            assert abs(face.pose.roll) < 1
            assert face.quality.presence == pytest.approx(0.9)
            assert 0 < face.quality.brightness < 1
            assert (face.certainty, result.shot) == (1.0, 1)

    def test_networks_are_loaded_once_for_all_sessions(self, followed, networks, astronaut):
        for _ in range(3):
            assert followed.session().push(frame_from_array(astronaut, 0, 0.0)).faces
        assert networks.loaded == ["landmarks", "signature"]

    def test_shots_and_who_is_in_them(self, followed, astronaut):
        """The same person before and after a shot of something else."""
        other = np.repeat(cv2.resize(data.brick(), (200, 200))[..., None], 3, axis=2)
        results = list(followed.run(timed([astronaut] * 5 + [other] * 2 + [astronaut] * 3)))
        assert [r.shot for r in results] == [1] * 5 + [2] * 2 + [3] * 3
        assert [r.lost for r in results] == [()] * 5 + [(1,)] * 2 + [()] * 3
        (back,) = results[7].faces
        assert (back.face, back.state) == (1, "found")
        assert 0.5 < back.certainty < 1

    def test_expressions_are_not_smoothed_across_a_cut(self, followed, astronaut):
        session, fresh = followed.session(), followed.session()
        for place in range(5):
            session.push(frame_from_array(astronaut, place, place / 25))
        turned = np.ascontiguousarray(255 - astronaut[::-1])
        session.push(frame_from_array(turned, 5, 0.2))
        (after,) = session.push(frame_from_array(astronaut, 6, 0.24)).faces
        (alone,) = fresh.push(frame_from_array(astronaut, 0, 0.0)).faces
        np.testing.assert_allclose(after.probabilities, alone.probabilities, atol=0.02)

    def test_a_model_that_needs_points_is_refused_where_there_are_none(
        self, tmp_path, tiny_graph, tiny_meta, tiny_model
    ):
        aligned = tmp_path / "aligned.onnx"
        modelfile.write(aligned, tiny_graph(), tiny_meta(preprocessing={"size": 24, "alignment": "eyes"}))
        with pytest.raises(RecipeError, match=r"the model 'tiny' needs landmarks.*'boxes' finds none"):
            mien.load(aligned, recipe="viola_jones")
        plan = tmp_path / "r.toml"
        plan.write_text(self.PLAN)
        assert mien.load(aligned, recipe=plan).recipe.landmarks

    def test_a_network_that_is_missing_is_named_before_any_frame(self, tmp_path, tiny_model, monkeypatch):
        monkeypatch.setattr(modelfile, "SHIPPED", tmp_path / "nothing")
        plan = tmp_path / "r.toml"
        plan.write_text(self.PLAN)
        with pytest.raises(UnknownPartError, match="landmarks"):
            mien.load(tiny_model, recipe=plan).session()


def test_the_count_of_a_run(made):
    count = pipeline.Count(made, "a.mp4")
    session = made.session()
    empty = session.push(frame_from_array(np.zeros((50, 50), np.uint8), 0, 0.0))
    for result in (empty, None, empty, None):
        count.add(result)
    record = count.record(3)
    assert (record.frames, record.frames_without_face, record.decode_errors) == (4, 2, 3)
    assert record.source == "a.mp4"
    assert record.model_sha256 == made.model.sha256
    assert json.dumps(record.as_text())
