"""The model file: no code, no customer data, checked as a whole when it is read."""
