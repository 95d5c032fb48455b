"""The command itself: help, version, wrong calls, and how light it starts."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

import mien
from mien import modelfile
from mien.modelfile import NetworkMeta, Provenance


def test_help_names_every_command(mien_process):
    outcome = mien_process("--help")
    assert (outcome.code, outcome.err) == (0, "")
    for command in ("analyze", "evaluate", "models", "train"):
        assert f"  {command} " in outcome.out
    assert "never what a person feels" in outcome.out


def test_the_version(mien_process):
    assert mien_process("--version").out == f"mien {mien.__version__}\n"


@pytest.mark.parametrize("command", ["analyze", "models"])
def test_every_command_explains_itself(mien_here, command):
    outcome = mien_here(command, "-h")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: mien {command}")


def test_analyze_tells_its_flags_and_exit_codes(mien_here):
    said = mien_here("analyze", "--help").out
    for words in (
        "-o",
        "--model",
        "--recipe",
        "--landmarks",
        "--annotate",
        "--plot",
        "--every",
        "--summary",
        "Exit code",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["analize"], "No such command 'analize'"),
        (["--frobnicate"], "No such option"),
        (["analyze"], "Missing argument 'INPUT...'"),
        (["analyze", "a.mp4", "--frobnicate"], "No such option"),
        (["analyze", "a.mp4", "-o"], "requires an argument"),
        (["analyze", ""], "the name of the input is empty"),
        (["analyze", "camera:front"], "a camera is named by its number, as in camera:0"),
    ],
)
def test_wrong_calls_are_one_line_and_exit_code_2(mien_here, call, said):
    outcome = mien_here(*call)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.line.startswith("mien: ")
    assert said in outcome.line


def test_wrong_calls_in_a_process(mien_process):
    outcome = mien_process("analyze", "a.mp4", "--frobnicate")
    assert outcome.code == 2
    assert outcome.line.endswith("; see mien analyze --help")


def test_without_arguments_the_help_is_shown(mien_here):
    outcome = mien_here()
    assert outcome.code == 2
    assert "Usage: mien" in outcome.out + outcome.err


def test_models_lists_what_ships(mien_here):
    outcome = mien_here("models")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert [line for line in lines if line.endswith("  (default)")] == [f"{modelfile.DEFAULT}  (default)"]
    assert {"aligned", "paper"} <= {line.split()[0] for line in lines if line}
    assert "  labels    anger contempt disgust fear happiness neutral sadness surprise" in outcome.out
    assert "sha256" in outcome.out


def test_models_lists_the_face_networks_too(mien_here, monkeypatch, tmp_path):
    shipped = tmp_path / "weights"
    shutil.copytree(modelfile.SHIPPED, shipped)
    shutil.rmtree(shipped / modelfile.FACES, ignore_errors=True)
    monkeypatch.setattr(modelfile, "SHIPPED", shipped)
    assert "job" not in mien_here("models").out
    (shipped / modelfile.FACES).mkdir()
    made = Provenance(
        "", "portraits ferplus scenes", "0" * 64, 2600, 0, False, 3, "0.1.0", "research use; see card"
    )
    graph = bytes.fromhex("0808" + "3a00")  # an ir_version and an empty graph: all that is read here
    for job in ("detector", "landmarks", "signature"):
        meta = NetworkMeta(job, job, {}, made)  # type: ignore[arg-type]
        modelfile.write_network(shipped / modelfile.FACES / f"{job}.onnx", graph, meta)
    outcome = mien_here("models")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    start = lines.index("signature")
    assert lines[start - 6] == "landmarks"
    assert lines[start + 1].startswith("  job       tells the faces of one video apart")
    assert lines[start + 2].startswith("  size      0.00 MB, sha256 ")
    assert lines[start + 3 : start + 6] == [
        "  trained   on portraits ferplus scenes: 2600 pictures, seed 3",
        "  terms     research use; see card",
        "  card      cards/signature.md",
    ]


def test_models_lists_the_generators_last(mien_here):
    lines = mien_here("models").out.splitlines()
    start = lines.index("composites")
    assert lines[start + 1] == "  draws     faces of 64 people who do not exist; 'mien generate'"
    assert lines[start + 2].endswith("happiness neutral sadness surprise")
    assert lines[-1] == "  card      cards/composites.md"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models"]])
def test_light_calls_load_nothing_heavy(arguments):
    code = (
        "import sys; from mien.cli import main\n"
        f"sys.argv = ['mien', *{arguments!r}]\n"
        "try:\n    main()\n"
        "finally:\n    print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"av", "cv2", "onnxruntime", "torch", "matplotlib", "arro3", "sklearn", "scipy"}
    assert not heavy & set(done.stderr.split())
