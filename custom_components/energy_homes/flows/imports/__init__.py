"""Homes and accounts from the action `import_homes`."""
