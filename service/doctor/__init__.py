"""What `fifthfactor doctor` examines: the settings, files, database and policies of a service go in, findings come out."""
