"""Data that the whole house speaks of: options, jobs, reports, templates, triangles. No file is opened here."""
