"""A .tflite file in, its footprint and a verdict out. Knows nothing of audio, Keras or Ray."""
