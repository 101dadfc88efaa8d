"""The loaded models and how they run. The only folder that imports onnxruntime."""
