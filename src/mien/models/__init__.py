"""Expression models over ONNX Runtime."""
