"""Which jobs of a table made something, and how many files: those that were there already were made by others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def were_up_to_date(history: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which jobs made nothing, as `JobResults.is_up_to_date` has it.

    Parameters
    ----------
    history : pandas.DataFrame
        As `History.to_dataframe` returns it; where columns are missing, all jobs made something.
    """
    reused, files = _reused(history), _files(history)
    return (reused > 0) & (reused >= files) if "files_generated" in history else np.zeros(len(history), dtype=np.bool_)


def files_made(history: pd.DataFrame) -> int:
    """Count the files that jobs made themselves."""
    return int(np.maximum(_files(history) - _reused(history), 0).sum())


def _reused(history: pd.DataFrame) -> NDArray[np.int64]:
    if "reused_files" not in history:
        return np.zeros(len(history), dtype=np.int64)
    return history["reused_files"].fillna(0).to_numpy(dtype=np.int64)


def _files(history: pd.DataFrame) -> NDArray[np.int64]:
    if "files_generated" not in history:
        return np.zeros(len(history), dtype=np.int64)
    return np.fromiter(map(len, history["files_generated"]), dtype=np.int64, count=len(history))
