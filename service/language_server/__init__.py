"""What an editor asks while policies are written (the Language Server Protocol): the files as the editor holds them, and the engine."""
