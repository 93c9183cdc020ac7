"""What is found in a text: instructions to a model, personal data, secrets. Pure: no I/O."""
