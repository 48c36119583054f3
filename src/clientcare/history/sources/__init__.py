"""Sources: files, folders, database queries, read whole or piece by piece."""
