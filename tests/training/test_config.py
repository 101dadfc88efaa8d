from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from tests.training import small
from training.config import ConfigError, TrainConfig


def test_the_defaults_are_those_of_the_model_it_replaces() -> None:
    config = TrainConfig()
    assert (config.latent_dim, config.batch_size, config.epochs) == (2, 128, 80)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_dim", 0),
        ("batch_size", 0),
        ("epochs", -1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("schedule", "linear"),
        ("beta", -0.5),
        ("beta", float("nan")),
        ("seed", -1),
        ("seed", 2**32),
        ("kl_warmup_steps", -1),
        ("free_bits", -0.1),
        ("free_bits", float("inf")),
        ("dropout", 1.0),
        ("encoder_units", 0),
        ("decoder_upscale", 0),
        ("refine_steps", -1),
        ("refine_steps", 101),
        ("encoder_filters", ()),
        ("decoder_units", (16, 0)),
        ("decoder_filters", ()),
        ("decoder_upsampling", "nearest"),
        ("muon_precision", "float16"),
        ("refine_grid", -1),
        ("refine_grid", 1),
        ("exact_epochs", -1),
        ("weight_decay", -0.1),
        ("mixture_after", -1),
        ("mixture_after", 80),
        ("mixture_anchor", -0.1),
        ("exact_batch_size", 0),
        ("exact_learning_rate", 0.0),
        ("exact_grid", 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: expected .*, received") as caught:
        TrainConfig(**{name: value})
    assert repr(value) in str(caught.value)


def test_transposed_convolutions_say_how_much_they_enlarge() -> None:
    with pytest.raises(ConfigError, match=r"^decoder_upscale: expected 8, .* received 4"):
        TrainConfig(decoder_upsampling="transposed", decoder_filters=(8, 8, 8))
    assert TrainConfig(decoder_upsampling="transposed", decoder_filters=(8, 8)).decoder_upscale == 4


@pytest.mark.parametrize("name", ["refine_grid", "exact_epochs"])
def test_grids_are_for_one_or_two_dimensions_and_for_no_label(name: str) -> None:
    for latent_dim in (1, 2):
        assert getattr(TrainConfig(latent_dim=latent_dim, **{name: 8}), name) == 8  # type: ignore[arg-type]
    for other in ({"latent_dim": 3}, {"conditional": True, "refine_steps": 0}):
        with pytest.raises(ConfigError, match=f"^{name}: expected 0 where .*, received 8"):
            TrainConfig(**{name: 8}, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "fields"),
    [("refine_steps", {}), ("free_bits", {"refine_steps": 0, "free_bits": 0.5})],
)
def test_what_is_made_for_a_normal_prior_is_refused_beside_a_mixture(
    name: str, fields: dict[str, Any]
) -> None:
    assert TrainConfig(mixture_after=5, refine_steps=0).mixture_after == 5
    with pytest.raises(ConfigError, match=f"^{name}: expected 0 with mixture_after"):
        TrainConfig(mixture_after=5, **fields)


def test_weight_decay_is_of_muons_matrices() -> None:
    assert TrainConfig(optimizer="muon", weight_decay=0.2).weight_decay == 0.2
    with pytest.raises(ConfigError, match=r"^weight_decay: expected 0 with adam, received 0\.2"):
        TrainConfig(weight_decay=0.2)


def test_a_grid_to_start_from_is_for_refining() -> None:
    with pytest.raises(ConfigError, match=r"^refine_grid: expected 0 without refine_steps, received 8"):
        TrainConfig(refine_grid=8, refine_steps=0)


def test_a_config_survives_json() -> None:
    config = small.config(beta=0.5, schedule="constant", seed=2**32 - 1)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="depth"):
        TrainConfig.from_dict({**TrainConfig().to_dict(), "depth": 3})


def test_every_field_says_what_it_is() -> None:
    assert all(field.metadata["help"] for field in dataclasses.fields(TrainConfig))
