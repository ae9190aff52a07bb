"""The networks, in TensorFlow and Keras 3. Each ends in unit embeddings of anime and users."""
