"""Many runs that differ in settings and seeds: planned, carried out, gone on with, and compared."""
