"""Which side of a face is outside: agreement between neighbours, then between a body and the space around it."""

from __future__ import annotations

import numpy as np

from stlkit.mesh.codes import RepairCode
from stlkit.mesh.surface import Step, Surface
from stlkit.mesh.topology import components
from stlkit.model.reports import RepairAction, counted


def align_winding(surface: Surface) -> Step | None:
    """Turn faces over until neighbours agree, changing as few as possible in each connected sheet.

    Every face appears twice in a graph, as it is and turned over. Neighbours that agree are linked as they
    are, the others crosswise. A sheet then falls into two parts, its two possible windings, and all it takes is
    one search for connected parts. Where the two are one, the sheet has no sides (a Moebius strip) and stays.

    Parameters
    ----------
    surface : Surface

    Returns
    -------
    Step or None
        None where nothing had to be turned.
    """
    topology = surface.examination.topology
    if not topology.inconsistent_edges.any():
        return None
    edges = topology.edges
    starts = edges.starts[edges.counts == 2]
    first, second = edges.sides[starts] // 3, edges.sides[starts + 1] // 3
    crossed = edges.ascending[starts] == edges.ascending[starts + 1]
    count = len(surface.mesh.faces)
    labels = components(
        2 * count,
        np.concatenate([first, first + count]),
        np.concatenate([np.where(crossed, second + count, second), np.where(crossed, second, second + count)]),
    )
    upright, turned_over = labels[:count], labels[count:]
    support = np.bincount(upright, minlength=int(labels.max()) + 1)
    loses = (support[upright] < support[turned_over]) | (
        (support[upright] == support[turned_over]) & (upright > turned_over)
    )
    turned = loses & (upright != turned_over)
    if not turned.any():
        return None
    number = int(np.count_nonzero(turned))
    message = f"turned over {counted(number, 'face')} so that neighbours agree which side is outside"
    return Step(
        surface.turning(turned), RepairAction(code=RepairCode.ALIGNED_WINDING.value, message=message, count=number)
    )


def turn_outward(surface: Surface) -> Step | None:
    """Turn inside-out bodies over; the walls of cavities stay, they face inwards for a reason.

    Parameters
    ----------
    surface : Surface

    Returns
    -------
    Step or None
        None where every body is right.
    """
    to_turn = np.flatnonzero(surface.examination.shells.to_turn)
    if not len(to_turn):
        return None
    message = f"turned {counted(len(to_turn), 'inside-out body', 'inside-out bodies')} over"
    return Step(
        surface.turning(np.isin(surface.examination.topology.bodies, to_turn)),
        RepairAction(code=RepairCode.TURNED_OUTWARD.value, message=message, count=len(to_turn)),
    )
