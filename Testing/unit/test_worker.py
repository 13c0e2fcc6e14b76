"""The worker process: results, previews, errors as sentences, cancel, finish now, and its end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from InverseImagingLib.compute import library_folders
from InverseImagingLib.frames import read_frames, write_frame
from InverseImagingLib.image import Image, Meaning

IMAGE = Image(np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.diag([1, 2, 3, 1.0]), Meaning.HU, "CT")


class Client:
    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(library_folders())}
        script = Path(__file__).with_name("scripted_worker.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self.frames = read_frames(self.process.stdout)
        assert next(self.frames)[0]["type"] == "hello"

    def send(self, kind: str, image: Image | None = None, **header: Any) -> None:
        write_frame(self.process.stdin, {"type": kind, "id": 7, **header}, {"image": image} if image else None)

    def run(self, script: str, **options: Any) -> None:
        self.send("run", IMAGE, method="Scripted", options={"script": script, **options})

    def answer(self) -> tuple[dict[str, Any], dict[str, Image], list[dict[str, Any]]]:
        """The last frame of a run, its images, and the progress frames before it."""
        progress = []
        for header, images in self.frames:
            if header["type"] != "progress":
                return header, images, progress
            progress.append(header)
        raise AssertionError("the worker ended")


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.process.kill()
    client.process.wait()
    client.process.stdin.close()
    client.process.stdout.close()


def test_result_with_progress(client: Client) -> None:
    client.run("double")
    header, images, progress = client.answer()
    assert (header["type"], header["id"], header["report"]["steps"]) == ("result", 7, 2)
    np.testing.assert_array_equal(images["result"].array, IMAGE.array * 2)
    np.testing.assert_array_equal(images["result"].ijk_to_ras, IMAGE.ijk_to_ras)
    assert [p["curve"]["iteration"] for p in progress] == [0, 1]
    client.run("double")
    assert client.answer()[0]["type"] == "result"


def test_what_a_method_prints_does_not_reach_the_frames(client: Client) -> None:
    client.run("chatter")
    assert client.answer()[0]["type"] == "result"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("refuse", "Image 'CT' is refused; give another one."),
        ("fail", "An unexpected error stopped the run (RuntimeError: a fault of the program)"),
        ("memory", "The computer ran out of memory; choose fewer slices or a smaller image."),
        ("import", "The Python package 'a_package_that_is_missing' is missing in "),
    ],
)
def test_errors_are_one_sentence_and_the_worker_lives(client: Client, script: str, words: str) -> None:
    client.run(script)
    header = client.answer()[0]
    assert header["type"] == "error"
    assert words in header["message"]
    assert "\n" not in header["message"]
    assert "Traceback" in header["details"]
    client.run("double")
    assert client.answer()[0]["type"] == "result"


def test_unknown_method_and_option(client: Client) -> None:
    client.send("run", IMAGE, method="Nothing", options={})
    assert "There is no method 'Nothing'" in client.answer()[0]["message"]
    client.send("run", IMAGE, method="Scripted", options={"volume": 11})
    assert "Unknown option 'volume'" in client.answer()[0]["message"]


def test_cancel(client: Client) -> None:
    client.run("slow")
    next(client.frames)
    client.send("cancel")
    assert client.answer()[0]["type"] == "cancelled"
    client.run("double")
    assert client.answer()[0]["type"] == "result"


def test_finish_now(client: Client) -> None:
    client.run("slow")
    next(client.frames)
    client.send("finish")
    header = client.answer()[0]
    assert header["type"] == "result"
    assert header["report"]["steps"] < 200


def test_echo_is_exact(client: Client) -> None:
    image = Image(np.random.default_rng(0).normal(size=(1, 1024, 1024)).astype(np.float32))
    client.send("echo", image)
    header, images, _ = client.answer()
    assert header["type"] == "echo"
    np.testing.assert_array_equal(images["image"].array, image.array)


def test_about(client: Client) -> None:
    client.send("run", method="about", options={})
    report = client.answer()[0]["report"]
    assert report["path"] == sys.executable
    assert report["packages"]["numpy"] == np.__version__
    assert any(device.startswith("cpu") for device in report["devices"])


@pytest.mark.parametrize("script", ["slow", "deaf"])
def test_ends_with_its_input_even_while_running(client: Client, script: str) -> None:
    client.run(script)
    if script == "slow":
        next(client.frames)
    else:
        time.sleep(0.3)
    threading.Thread(target=client.process.stdin.close).start()
    assert client.process.wait(timeout=10) == 0


def test_images_of_the_run_before_need_not_come_again(client: Client) -> None:
    client.run("double")
    client.answer()
    client.send("run", method="Scripted", options={"script": "double"}, kept=["image"])
    header, images, _ = client.answer()
    assert header["type"] == "result"
    np.testing.assert_array_equal(images["result"].array, IMAGE.array * 2)
    assert header["report"]["same"], "the method gets the object of the run before"
    client.run("double")
    assert not client.answer()[0]["report"]["same"]


def test_prepared_for_a_method(client: Client) -> None:
    client.send("prepare", method="Scripted")
    client.run("double")
    header, _, progress = client.answer()
    assert (header["type"], header["report"]["before"]) == ("result", ["sample"])
    assert all(each["id"] == 7 for each in progress), "the trial is silent"


def test_what_cannot_be_prepared_is_left_for_the_run_to_say(client: Client) -> None:
    for name in ("Nothing", "CTRestoration"):  # which has no sample
        client.send("prepare", method=name)
    client.run("double")
    assert client.answer()[0]["report"]["before"] == []
