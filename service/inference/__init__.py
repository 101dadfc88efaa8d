"""The loaded models and how they run. The only room that knows onnxruntime."""
