"""`cvae bundle`: a bundle from two ONNX files of any framework, and its check (docs/bundle.md)."""
