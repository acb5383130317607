"""YAML in, checked rules out: the tree, the model, the words, and every check."""
