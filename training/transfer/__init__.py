"""Transfer studies: policies of several curricula, trained for the same time, judged where none was trained."""
