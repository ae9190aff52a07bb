"""Unit embeddings of anime and users. The only room that imports TensorFlow."""
