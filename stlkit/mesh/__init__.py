"""STL bytes to triangles, to findings, to repaired triangles, to measurements."""
