"""What a model read from a file must be before anything is built from it: lengths, places, shapes, ranges, order."""
