"""`cvae` as a person uses it: without a service, and, by the same lines, with one that `cvae serve` runs."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from service.cli.main import cli
from tests.live import wait_for_port
from tests.service import fake

ROOT = pathlib.Path(__file__).parents[3]
DEADLINE_S = 30
COMMAND = [sys.executable, "-m", "service.cli"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    fake.write_bundle(folder / "labelled", conditional=True)
    return folder


@pytest.fixture(scope="module")
def url(models: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("service") / "log"
    command = [*COMMAND, "serve", "--port", "0", "--models-dir", str(models)]
    with log.open("wb") as file:
        environment = {**os.environ, "CVAE_DRAIN_MS": "0"}
        process = subprocess.Popen(command, cwd=ROOT, stderr=file, env=environment)
    try:
        yield f"http://localhost:{wait_for_port(log, process)}"
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


@dataclasses.dataclass
class Cvae:
    """Runs commands in a folder of their own."""

    folder: pathlib.Path
    models: pathlib.Path
    options: list[str]

    def run(self, *arguments: str, given: bytes | None = None, **variables: str) -> Result:
        environment = {"CVAE_MODELS_DIR": str(self.models), **variables}
        return CliRunner().invoke(cli, [*arguments, *self.options], input=given, env=environment)

    def check(self, *arguments: str, given: bytes | None = None) -> bytes:
        result = self.run(*arguments, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout_bytes

    def refuse(self, status: int, *arguments: str, **variables: str) -> str:
        """Gives the one line of a command that must fail."""
        result = self.run(*arguments, given=None, **variables)
        assert result.exit_code == status, result.output
        assert result.stdout == ""
        assert re.fullmatch(r"cvae: .+\n", result.stderr), result.stderr
        return result.stderr


@pytest.fixture
def here(models: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Cvae:
    monkeypatch.chdir(tmp_path)
    return Cvae(tmp_path, models, [])


@pytest.fixture(params=["here", "service"])
def cvae(request: pytest.FixtureRequest, here: Cvae) -> Cvae:
    if request.param == "service":
        here.options = ["--url", request.getfixturevalue("url")]
    return here


def test_decode_gives_json(cvae: Cvae) -> None:
    fields = json.loads(cvae.check("decode", "0.5,-1.0", "-1.5,0.25"))
    z = np.array([[0.5, -1.0], [-1.5, 0.25]])
    np.testing.assert_allclose(fields["z"], z)
    np.testing.assert_allclose(fields["images"], fake.decode(z)[..., 0], atol=1e-6)
    assert fields["model"] == "fake"


def test_the_name_of_the_file_says_the_format(cvae: Cvae) -> None:
    for name, kind in (("a.png", "PNG"), ("a.WEBP", "WEBP")):
        assert cvae.check("decode", "0,1", "-1,0", "--scale", "2", "--padding", "1", "-o", name) == b""
        with Image.open(cvae.folder / name) as image:
            assert (image.format, image.size) == (kind, (118, 60))
    cvae.check("decode", "0,1", "-o", "a.npy", "--dtype", "uint8")
    assert np.load(cvae.folder / "a.npy").dtype == np.uint8
    cvae.check("sample", "-n", "3", "-o", "a.zip")
    assert zipfile.ZipFile(cvae.folder / "a.zip").namelist() == ["0.png", "1.png", "2.png"]
    cvae.check("decode", "0,1", "-o", "a.json")
    assert json.loads((cvae.folder / "a.json").read_text())["z"] == [[0, 1]]


def test_labels_are_one_or_one_a_vector(cvae: Cvae) -> None:
    arguments = ["decode", "0,1", "2,0", "--model", "labelled", "--format", "npy"]
    z = np.array([[0, 1], [2, 0]], np.float32)
    for labels in ([7, 7], [3, 9]):
        given = labels[:1] if labels[0] == labels[1] else labels
        content = cvae.check(*arguments, *(f"--label={label}" for label in given), "-o", "-")
        found = np.load(io.BytesIO(content))
        np.testing.assert_allclose(found, fake.decode(z, labels)[..., 0], atol=1e-6)


def test_pictures_go_through_pipes(cvae: Cvae) -> None:
    picture = cvae.check("decode", "0.5,-1.0", "--format", "png")
    posterior = cvae.check("encode", "-", "--polarity", "light-on-dark", "--neighbours", "1", given=picture)
    fields = json.loads(posterior)
    assert len(fields["neighbours"][0]) == 1
    again = json.loads(cvae.check("decode", "-", given=posterior))
    np.testing.assert_allclose(again["z"], fields["z_mean"])
    array = io.BytesIO()
    np.save(array, np.array([[1.0, 2.0]]))
    assert json.loads(cvae.check("decode", "-", given=array.getvalue()))["z"] == [[1, 2]]


def test_encode_takes_files(cvae: Cvae) -> None:
    for name in ("a.png", "b.png"):
        cvae.check("decode", "0.5,-1.0", "-o", name)
    cvae.check("encode", "a.png", "b.png", "-o", "z.npy")
    mean = np.load(cvae.folder / "z.npy")
    assert mean.shape == (2, 2)
    cvae.check("encode", "a.png", "b.png", "--seed", "1", "-o", "z.npy")
    assert not np.allclose(np.load(cvae.folder / "z.npy"), mean)


def test_interpolate_goes_between_all_kinds_of_ends(cvae: Cvae) -> None:
    cvae.check("interpolate", "digit:3", "-.5,1e0", "--steps", "5", "--duration-ms", "50", "-o", "walk.gif")
    with Image.open(cvae.folder / "walk.gif") as image:
        assert getattr(image, "n_frames", 1) == 5
        assert image.info["duration"] == 50
    cvae.check("decode", "2,2", "-o", "a.png")
    lines = cvae.check("interpolate", "a.png", "digit:0", "--steps", "70", "--format", "ndjson").splitlines()
    assert len(lines) == 70
    np.testing.assert_allclose(json.loads(lines[-1])["z"], [0, 0])


def test_the_seed_that_was_chosen_is_named(cvae: Cvae) -> None:
    result = cvae.run("sample", "-n", "2", "--digit", "4", "-o", "first.png")
    seed = re.fullmatch(r"seed (\d+)\n", result.stderr)
    assert seed
    cvae.check("sample", "-n", "2", "--digit", "4", "--seed", seed[1], "-o", "second.png")
    assert (cvae.folder / "first.png").read_bytes() == (cvae.folder / "second.png").read_bytes()


def test_models_are_listed(cvae: Cvae) -> None:
    head, *rows = cvae.check("models").decode().splitlines()
    assert head.split()[0] == "name"
    assert [row.split()[0] for row in rows] == ["fake", "labelled"]
    assert rows[1].split()[5] == "0,1,2,3,4,5,6,7,8,9"
    (one,) = json.loads(cvae.check("models", "--json", "--model", "labelled"))["models"]
    assert (one["name"], one["latent_dim"]) == ("labelled", 2)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["decode", "1,2,3"], "z: expected 2 numbers a vector"),
        (["interpolate", "digit:3", "digit:33"], "to: expected a class of fake"),
        (["decode", "1,2", "--label", "3"], "label: expected none: fake takes no label"),
        (["encode", "text.png"], "expected a PNG or JPEG file"),
        (["decode", "1,2", "--model", "fake@000000000000"], "which is loaded, received 'fake@000000000000'"),
        (["decode", "1,2", "-o", "nowhere/a.png"], "nowhere/a.png: cannot write it"),
    ],
)
def test_what_fails_says_so_in_one_line(cvae: Cvae, arguments: list[str], line: str) -> None:
    (cvae.folder / "text.png").write_text("no picture")
    assert line in cvae.refuse(1, *arguments)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["decode", "1,x"], "VECTORS[1]: expected a number, received 'x' (cvae decode --help)"),
        (["decode"], "Missing argument 'VECTORS...'"),
        (["decode", "1,2", "--scal", "3"], "No such option '--scal'"),
        (["decode", "1,2", "-x"], "No such option '-x'"),
        (["decode", "1,2", "-o", "a.gif"], "expected a file that ends in .png, .webp, .json, .npy, .zip"),
        (["decode", "1,2", "-o", "a"], "received 'a'"),
        (["decode", "none.npy"], "none.npy: cannot read it"),
        (["decode", "broken.json"], "broken.json: expected an .npy file, or JSON"),
        (["decode", "1,2", "--colormap", "jet"], "'jet' is not one of"),
        (["interpolate", "none.png", "digit:3"], "or a picture's file; received 'none.png'"),
        (["encode", "none.png"], "'none.png' does not exist"),
        (["nothing"], "No such command 'nothing'"),
        (["models", "--url", "localhost:8000"], "--url: expected one such as http://localhost:8000"),
        (["models", "--url", "http://a", "--bundle", "b"], "expected one of --url and --bundle"),
    ],
)
def test_what_is_asked_wrongly_says_so_in_one_line(here: Cvae, arguments: list[str], line: str) -> None:
    (here.folder / "broken.json").write_text('{"y": 1}')
    assert line in here.refuse(2, *arguments)


def test_a_service_that_is_not_there_is_said(here: Cvae) -> None:
    line = here.refuse(1, "decode", "1,2", "--url", "http://127.0.0.1:1", "--timeout-s", "1")
    # Of a busy machine, the last try's timeout may come before its refusal; the one before is named then.
    assert line.startswith("cvae: http://127.0.0.1:1: expected an answer")
    assert "received none (Connection refused)" in line


def test_an_address_that_is_none_is_said(here: Cvae) -> None:
    for address in ("http://", "http://a:port", "http://[::1"):
        assert "base_url: expected one such as" in here.refuse(1, "models", "--url", address)
    line = here.refuse(1, "models", "--url", "http://service", http_proxy="ftp://proxy")
    assert "HTTP_PROXY: expected an address such as http://proxy:3128, received 'ftp://proxy'" in line


def test_a_bundle_is_run_by_its_folder(here: Cvae, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = fake.write_bundle(here.folder / "other" / "mine")
    assert json.loads(here.check("decode", "1,2", "--bundle", str(bundle)))["model"] == "mine"
    monkeypatch.chdir(bundle)
    assert json.loads(here.check("decode", "1,2", "--bundle", "."))["model"] == "mine"
    assert len(here.check("models", "--bundle", ".").decode().splitlines()) == 2
    assert "expected a bundle" in here.refuse(1, "decode", "1,2", "--bundle", "nowhere")
    (bundle / "decoder.onnx").write_bytes(b"junk")
    assert "sha256" in here.refuse(1, "decode", "1,2", "--bundle", ".")


def test_settings_hold_here_too(here: Cvae) -> None:
    assert "at most 4 in one request" in here.refuse(1, "sample", "-n", "5", CVAE_MAX_REQUEST_ROWS="4")
    assert "CVAE_WORKERS" in here.refuse(1, "sample", CVAE_WORKERS="none")
    assert "CVAE_WORKERS" in here.refuse(1, "doctor", CVAE_WORKERS="none")
    result = here.run("decode", "1,2", "--label", "3", CVAE_DEFAULT_MODEL="labelled")
    assert json.loads(result.stdout)["model"] == "labelled"


def test_doctor_finds_a_sound_bundle_sound(here: Cvae) -> None:
    text = here.check("doctor").decode()
    assert "auto on CPUExecutionProvider" in text
    assert text.count("checksums agree") == 2
    assert text.endswith("all is well\n")


def test_doctor_says_what_is_wrong(here: Cvae) -> None:
    bundle = fake.write_bundle(here.folder / "mine")
    (bundle / "decoder.onnx").write_bytes(b"junk")
    result = here.run("doctor", str(bundle), str(here.models / "fake"), "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["well"] is False
    first, second = found["bundles"]
    assert "sha256" in first["fault"]
    assert second["fault"] is None
    assert set(second["decoder_ms"]) == {"1", "32"}
    assert "expected a folder with at least one" in here.refuse(1, "doctor", CVAE_MODELS_DIR="nowhere")


def test_doctor_says_that_a_provider_is_missing(here: Cvae) -> None:
    result = here.run("doctor", CVAE_PROVIDER="tensorrt")
    assert result.exit_code == 1
    assert "CVAE_PROVIDER: expected one of auto, cpu, received tensorrt" in result.stdout
    assert "a service would not start" in result.stdout


def test_serve_gives_its_options_to_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.server.main.main", lambda: 3)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    result = CliRunner().invoke(cli, ["serve", "--port", "9", "--workers", "auto", "--models-dir", "x"])
    assert result.exit_code == 1
    found = {name: os.environ.get(f"CVAE_{name}") for name in ("PORT", "WORKERS", "MODELS_DIR", "HOST")}
    assert found == {"PORT": "9", "WORKERS": "auto", "MODELS_DIR": "x", "HOST": os.environ.get("CVAE_HOST")}


@pytest.mark.parametrize("command", [[], *([name] for name in cli.commands)])
def test_help_explains_with_examples(command: list[str]) -> None:
    result = CliRunner().invoke(cli, [*command, "--help"])
    assert result.exit_code == 0
    assert f"cvae {' '.join(command)}" in result.stdout.partition("Examples:")[2]


def test_it_runs_as_a_module_and_ends_with_its_status(models: pathlib.Path, tmp_path: pathlib.Path) -> None:
    def run(*arguments: str) -> Any:
        environment = {**os.environ, "CVAE_MODELS_DIR": str(models)}
        return subprocess.run(
            [*COMMAND, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
        )

    path = tmp_path / "a.png"
    assert run("decode", "-1,2", "-o", str(path)).returncode == 0
    with Image.open(path) as image:
        assert image.size == (28, 28)
    failed = run("decode", "1,2,3")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("cvae: z: expected 2 numbers")
    assert failed.stderr.count("\n") == 1
    assert run().returncode == 2
    assert run("--version").stdout.startswith("cvae, version ")


def test_help_loads_nothing_that_is_slow() -> None:
    code = (
        "import sys\nfrom service.cli.main import cli\n"
        "try: cli.main(['decode', '--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert "service.cli.decode" in loaded
    assert not {"onnxruntime", "fastapi", "pydantic", "httpx", "numpy", "PIL"} & set(loaded)
