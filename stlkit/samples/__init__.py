"""Generated demonstration models, sound and damaged."""

from stlkit.samples.collection import Sample, write_samples

__all__ = ["Sample", "write_samples"]
