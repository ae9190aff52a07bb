"""The bundle, a trained model as a folder: its layout and manifest, how it is written, read and checked."""
