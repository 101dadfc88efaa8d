"""The networks, their losses and optimizers, and the devices they train on."""
