"""The door: tables of any make, judged row by row, in; plain sorted columns out."""
