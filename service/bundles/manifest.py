"""The manifest of a bundle (docs/bundle.md): fields and types, version, how its parts must fit."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from service.core.choices import ImagePolarity

# Whatever can change an answer; the version is the digest of these.
VERSIONED = (
    "format_version",
    "name",
    "latent_dim",
    "image",
    "encoder",
    "decoder",
    "golden",
    "atlas",
    "classes",
    "prior",
)
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class Part(BaseModel):
    """A part of the manifest: frozen, and no field that the contract does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TensorSpec(Part):
    """Name, shape and dtype of a graph's input or output."""

    name: str
    shape: tuple[str | int, ...]
    dtype: Literal["float32"]


class FileSpec(Part):
    """A file of the bundle and its checksum."""

    file: str = Field(pattern=NAME_PATTERN)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class GraphSpec(FileSpec):
    """An ONNX file, its checksum and its tensors."""

    opset: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class ContainFit(Part):
    """Uploads are scaled whole into the picture."""

    method: Literal["contain"] = "contain"


class CentreOfMassFit(Part):
    """Uploads are cut to their ink, scaled into a box and put with their centre of mass in the middle."""

    method: Literal["centre-of-mass"] = "centre-of-mass"
    box: int = Field(ge=1, description="Longest side of the ink, in pixels.")


class ImageSpec(Part):
    """What the model's pictures are."""

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    channels: Literal[1, 3]
    range: tuple[Literal[0], Literal[1]]
    polarity: ImagePolarity
    fit: Annotated[ContainFit | CentreOfMassFit, Field(discriminator="method")] = ContainFit()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    @model_validator(mode="after")
    def _check_box(self) -> ImageSpec:
        side = min(self.height, self.width)
        if isinstance(self.fit, CentreOfMassFit) and self.fit.box > side:
            raise ValueError(f"fit.box: expected at most {side}, the shorter side, found {self.fit.box}")
        return self


class ComponentSpec(Part):
    """A Gaussian with a diagonal covariance, one of those that pictures of a class are drawn from."""

    weight: FiniteFloat = Field(gt=0, le=1)
    z_mean: tuple[FiniteFloat, ...]
    stddev: tuple[Annotated[FiniteFloat, Field(ge=0)], ...]


class ClassSpec(Part):
    """Where a class lies in latent space, and what its pictures are drawn from."""

    label: int
    z_mean: tuple[FiniteFloat, ...]
    covariance: tuple[tuple[FiniteFloat, ...], ...]
    count: int = Field(ge=1)
    components: tuple[ComponentSpec, ...] = ()


class NormalPrior(Part):
    """The distribution of each dimension of z."""

    distribution: Literal["normal"]
    mean: Literal[0]
    stddev: Literal[1]


class MixturePrior(FileSpec):
    """A mixture of Gaussians, fitted to what the encoder makes of the training images."""

    distribution: Literal["mixture"]


class Manifest(Part):
    """`model.json`; docs/bundle.md says what each field is."""

    format_version: Literal[1, 2]
    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern="^[0-9a-f]{12}$")
    latent_dim: int = Field(ge=1)
    image: ImageSpec
    encoder: GraphSpec
    decoder: GraphSpec
    golden: FileSpec
    atlas: FileSpec
    classes: tuple[ClassSpec, ...]
    prior: Annotated[NormalPrior | MixturePrior, Field(discriminator="distribution")]
    training: dict[str, Any]
    metrics: dict[str, Any]
    dataset: dict[str, Any]
    producer: dict[str, str]
    git_commit: str | None
    created: str

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels that the decoder takes, in the order of its one-hot input; empty if it takes none."""
        conditional = any(tensor.name == "label" for tensor in self.decoder.inputs)
        return tuple(entry.label for entry in self.classes) if conditional else ()

    @property
    def class_names(self) -> dict[int, str]:
        """The names of classes by label; empty where the data names none."""
        names = self.dataset.get("class_names")
        listed = names if isinstance(names, list) else []
        return {label: name for label, name in enumerate(listed) if isinstance(name, str) and name}

    @property
    def files(self) -> tuple[FileSpec, ...]:
        """The files the service reads, with their checksums."""
        prior = (self.prior,) if isinstance(self.prior, MixturePrior) else ()
        return self.encoder, self.decoder, self.golden, self.atlas, *prior

    @model_validator(mode="after")
    def _check_format(self) -> Manifest:
        if self.prior.distribution == "mixture" and self.format_version == 1:
            raise ValueError("format_version: expected 2, as the prior is a mixture, found 1")
        return self

    @model_validator(mode="after")
    def _check_graphs(self) -> Manifest:
        if not self.classes and any(tensor.name == "label" for tensor in self.decoder.inputs):
            raise ValueError("classes: expected an entry for each label that the decoder takes, found none")
        picture, latent = ("batch", *self.image.shape), ("batch", self.latent_dim)
        label = {"label": ("batch", len(self.labels))} if self.labels else {}
        for name, graph, inputs, outputs in (
            ("encoder", self.encoder, {"x": picture}, {"z_mean": latent, "z_log_var": latent}),
            ("decoder", self.decoder, {"z": latent, **label}, {"image": picture}),
        ):
            found = tuple({t.name: t.shape for t in group} for group in (graph.inputs, graph.outputs))
            if found != (inputs, outputs):
                raise ValueError(f"{name}: expected inputs and outputs {inputs, outputs}, found {found}")
        return self

    @model_validator(mode="after")
    def _check_classes(self) -> Manifest:
        labels = [entry.label for entry in self.classes]
        if labels != sorted(set(labels)):
            raise ValueError(f"classes: expected rising labels, found {labels}")
        dim = self.latent_dim
        for entry in self.classes:
            if len(entry.z_mean) != dim or [len(row) for row in entry.covariance] != [dim] * dim:
                raise ValueError(
                    f"classes: label {entry.label}: expected z_mean ({dim},), covariance ({dim}, {dim})"
                )
            if {len(numbers) for part in entry.components for numbers in (part.z_mean, part.stddev)} - {dim}:
                raise ValueError(
                    f"classes: label {entry.label}: components: expected z_mean and stddev ({dim},)"
                )
        return self


def version_of(manifest: dict[str, Any]) -> str:
    """Return the version that belongs to a parsed manifest's content: 12 hex digits."""
    content = {name: manifest[name] for name in VERSIONED}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
