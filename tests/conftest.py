"""One hypothesis profile for all: the same cases on every run, and no deadline while kernels compile."""

from hypothesis import settings

settings.register_profile("evolve", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("evolve")
