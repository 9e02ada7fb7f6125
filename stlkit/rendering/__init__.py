"""Triangles to pixels: pictures, size charts, colour variations and turntables.

::

    studio                  the way in: one loaded mesh, drawn in many ways
    ├── still               the main picture, and the same in other colours
    ├── size_chart          the picture with the dimensions
    │   └── chart_layout, lettering, fonts, lengths, plane
    ├── turntable           the video
    │   └── video           frames to MP4
    └── stage               what all pictures of one model share
        ├── normals, solidity         from a mesh to geometry that can be drawn
        ├── framing                   where the camera stands
        ├── materials, lights, quality    the look, as data
        ├── background, shadow        what is behind and below the model
        ├── exposure, occlusion       bands, supersampling, shade in hollows
        └── compositing, pictures     layers, and PNG files
    backends                who draws: a `Shot` in, pixels out
    scene, shading          what a backend is given, and the formula that it has to follow
    selfcheck               whether it does

Importing this package starts no renderer and imports none.
"""
