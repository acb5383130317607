"""The command line, `fifthfactor`: one file a command, with its options and its body; `main` names them all."""
