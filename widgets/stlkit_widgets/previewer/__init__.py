"""An STL file to look at from all sides, measured, cut open, and with everything that is wrong with it marked.

::

    widget          Previewer: what it shows, and what its controls do
    ├── attributes  what the kernel and the page share
    ├── face.js, face.css   tool bar, drawing area and side list in the page
    ├── texts       words and figures for the page
    ├── scene       the drawing area's content; the only module that knows pythreejs
    │   └── looks, ink      the pictures' materials and lights as shaders; how lines look
    ├── views       where the camera goes
    │   └── sight           from where a place can be seen
    ├── loading     from a file to a model, or the reasons why there is none
    │   └── reduction       fewer triangles for models that are too large for a page
    ├── marks       where the findings are, and edges
    ├── overlays    box, axes, labels
    ├── section     where the model is cut open
    ├── ruler, measures     distances between points that are picked
    └── sources     which files there are to show
"""

from stlkit_widgets.previewer.widget import Previewer

__all__ = ["Previewer"]
