"""`ConvolutionalVAE`: encoder and decoder, and how they are trained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from training.config import TrainConfig
from training.models import losses
from training.models.devices import fill_empty, share_rows, spread
from training.models.grid import SEARCHED, negative_log_evidence, place
from training.models.layers import Sampling
from training.models.networks import Shape, build_decoder, build_encoder
from training.models.prior import Labels, MixturePrior
from training.models.refinement import choose_start, measure_lead, refine

Tensor = Any


class ConvolutionalVAE(keras.Model):
    """A convolutional VAE with a Gaussian posterior and a Bernoulli likelihood.

    Its loss is the negative ELBO, averaged over the batch, in nats per image.
    """

    def __init__(
        self,
        config: TrainConfig,
        shape: Shape,
        labels: int = 0,
        components: Labels | None = None,
        **kwargs: Any,
    ) -> None:
        """Build encoder and decoder.

        Args:
            config: Sizes, beta and seed.
            shape: Height, width and channels of an image.
            labels: How many there are, for a conditional config.
            components: The place of the label of each Gaussian of the prior, for a config that trains one.
            **kwargs: Passed to `keras.Model`.
        """
        super().__init__(**kwargs)
        self.config = config
        self.encoder = build_encoder(config, shape)
        self.decoder = build_decoder(config, shape, labels)
        self.sampling = Sampling(config.seed)
        # Set where the length and the phase of the run are known.
        self.kl_warmup_steps = 0
        self.is_exact = self.is_mixed = False
        self.prior = None if components is None else MixturePrior(components, config.latent_dim)
        side = config.refine_grid
        self.points = place(side, config.latent_dim, SEARCHED) if side else None
        self.shifts = keras.random.SeedGenerator(config.seed) if config.exact_epochs else None
        names = ("reconstruction_loss", "kl_divergence", "negative_elbo", "loss")
        self.parts = {name: keras.metrics.Mean(name=name) for name in names}

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Do nothing: the parts are built when the model is made."""

    def call(self, inputs: Tensor, training: bool = False) -> dict[str, Tensor]:
        """Encode, sample and decode a batch.

        While training, z comes from what the encoder says at once; else from what `infer` makes of it. Where
        the decoder is trained on -log p(x) itself, what is said of z must not move it.

        Args:
            inputs: `x` `(batch, height, width, channels)` float32 in [0, 1]; for a conditional config a
                dict of it and the one-hot `label` `(batch, labels)` float32.
            training: Whether dropout is on.

        Returns:
            `z_mean`, `z_log_var` and `z` `(batch, latent_dim)`, and `x_logits`, shaped as `x`.
        """
        inputs = fill_empty(inputs)
        x = self._images(inputs)
        q = dict(self.encoder(x, training=True)) if training else self.infer(x)
        q["z"] = z = self.sampling((q["z_mean"], q["z_log_var"]))
        if training and self.is_exact:
            weights = [ops.stop_gradient(variable.value) for variable in self.decoder.trainable_variables]
            return {**q, "x_logits": self.decoder.stateless_call(weights, [], z)[0]}
        given = [z, inputs["label"]] if self.config.conditional else z
        return {**q, "x_logits": self.decoder(given, training=training)}

    def infer(self, x: Tensor, points: Tensor = None) -> dict[str, Tensor]:
        """Return q(z|x): what the encoder says, its mean refined by asking the decoder.

        Args:
            x: `(batch, height, width, channels)` float32 in [0, 1].
            points: Where refining may start besides, `(points, latent_dim)` float32; None: `self.points`.

        Returns:
            `z_mean` and `z_log_var`, `(batch, latent_dim)` float32.
        """
        q, points = dict(self.encoder(x, training=False)), self.points if points is None else points
        if points is not None:
            q["z_mean"] = choose_start(self.decoder, x, q["z_mean"], points)
        q["z_mean"] = refine(self.decoder, x, q["z_mean"], q["z_log_var"], self.config.refine_steps)
        return q

    def measure_lead(self, x: Tensor) -> Tensor:
        """Return by how many nats `infer` chose each start: `(batch,)`, infinite where it has no choice."""
        if self.points is None:
            return ops.full((len(x),), float("inf"))
        return measure_lead(self.decoder, x, self.encoder(x, training=False)["z_mean"], self.points)

    def compute_loss(
        self,
        x: Tensor = None,
        y: Tensor = None,
        y_pred: Any = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """Return the batch's mean loss and adds its parts to the metrics.

        Args:
            x: As `call` takes it.
            y: Unused; a VAE has no target but `x`.
            y_pred: What `call` gave.
            sample_weight: Unused.
            training: Whether the decoder's own loss counts, where it has one.

        Returns:
            Scalar float32, nats per image.
        """
        images = self._images(x)
        # Without the row that stands for an empty part.
        q = {name: values[: ops.shape(images)[0]] for name, values in y_pred.items()}
        reconstruction = losses.reconstruction_loss(images, q["x_logits"])
        normal = losses.kl_divergence(q["z_mean"], q["z_log_var"])
        kl = self._diverge(normal, q)
        self.parts["reconstruction_loss"].update_state(reconstruction)
        self.parts["kl_divergence"].update_state(kl)
        self.parts["negative_elbo"].update_state(losses.negative_elbo(reconstruction, kl))
        loss = losses.negative_elbo(reconstruction, self._counted(kl, q), self._weigh_kl())
        if training and self.is_mixed:
            loss += self.config.mixture_anchor * normal
        if training and self.is_exact:
            loss += self._evidence(images)
        self.parts["loss"].update_state(loss)
        # Gradients of replicas are added up: each divides its sum by the images of all.
        _, rows = share_rows(ops.shape(loss)[0])
        return ops.sum(loss) / ops.cast(rows, loss.dtype)

    def _evidence(self, x: Tensor) -> Tensor:
        dim, side = self.config.latent_dim, self.config.exact_grid
        shift = keras.random.uniform((dim,), seed=self.shifts)
        return negative_log_evidence(self.decoder, x, dim, side, shift)

    def _diverge(self, normal: Tensor, q: dict[str, Tensor]) -> Tensor:
        """Return KL(q(z|x) || p(z)): of N(0, I), or estimated at one z where the prior is the mixture."""
        if self.prior is None:
            return normal
        if not self.is_mixed:
            # Nothing is added, but the optimizer has a state for all variables from the beginning.
            return normal + 0.0 * self.prior.sum_weights()
        return losses.negative_entropy(q["z_log_var"]) - self.prior.log_density(q["z"])

    def _counted(self, kl: Tensor, q: dict[str, Tensor]) -> Tensor:
        free_bits = self.config.free_bits
        return losses.kl_above(q["z_mean"], q["z_log_var"], free_bits) if free_bits else kl

    def _weigh_kl(self) -> Tensor:
        if not self.kl_warmup_steps:
            return self.config.beta
        done = ops.cast(self.optimizer.iterations, "float32")
        return self.config.beta * ops.minimum(1.0, (done + 1) / self.kl_warmup_steps)

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Make a step, as `keras.Model` does, on one machine or several."""
        return spread(super().train_step(data))

    def test_step(self, data: Any) -> dict[str, Tensor]:
        """Measure a batch, as `keras.Model` does, on one machine or several."""
        return spread(super().test_step(data))

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # The parts are built when the model is made. To build it again Keras 3.15 takes the mean of the
        # replicas' images, which fails where their numbers differ.
        return

    def _images(self, inputs: Tensor) -> Tensor:
        return inputs["x"] if self.config.conditional else inputs

    def reseed(self, epoch: int) -> None:
        """Set every random layer to a state that only the config's seed and the epoch decide.

        A run resumed at an epoch then draws what the uninterrupted run drew.

        Args:
            epoch: Counted from 0.
        """
        random_layers = [layer for layer in self.encoder.layers if isinstance(layer, layers.Dropout)]
        generators = [self.sampling.seed_generator]
        generators += [layer.seed_generator for layer in random_layers if layer.rate > 0]
        generators += [self.shifts] if self.shifts else []
        for i, generator in enumerate(generators):
            entropy = np.random.SeedSequence((self.config.seed, epoch, i))
            generator.state.assign(entropy.generate_state(2))
