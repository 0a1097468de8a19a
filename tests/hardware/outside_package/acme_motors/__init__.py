"""A motor family from outside the project, as a vendor or user would publish it in a package."""
