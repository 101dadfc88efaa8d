"""From Keras to ONNX, and ONNX files as functions."""
