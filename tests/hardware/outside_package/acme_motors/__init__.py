"""A family of motors from outside the project: what a vendor or a user would publish as a package of their own."""
