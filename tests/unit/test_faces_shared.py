"""What sessions share is loaded once, whoever asks first."""

import threading
import time

import pytest

from mien.errors import ModelError
from mien.faces.shared import Shared


def test_once_for_many_threads():
    shared, loaded, held = Shared(), [], []

    def load():
        loaded.append(True)
        time.sleep(0.01)
        return object()

    threads = [threading.Thread(target=lambda: held.append(shared.get("a", load))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 1
    assert len(held) == 8
    assert len({id(one) for one in held}) == 1


def test_each_key_by_itself():
    shared = Shared()
    assert shared.get("a", lambda: 1) == 1
    assert shared.get(("a", 2), lambda: 2) == 2
    assert shared.get("a", lambda: 3) == 1


def test_what_failed_is_tried_again():
    shared = Shared()

    def fail():
        raise ModelError("a.onnx: damaged")

    with pytest.raises(ModelError):
        shared.get("a", fail)
    assert shared.get("a", lambda: 1) == 1
