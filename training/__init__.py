"""Trains a convolutional variational autoencoder (VAE) and exports it as a model bundle."""
