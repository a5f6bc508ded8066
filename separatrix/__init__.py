"""Separatrix: how a molecule crosses from one basin to another, and how fast, at any level of theory."""

import os

# A self-consistent field of a few dozen atoms runs slower on two threads than on one, and a chain per core is what
# fills a machine. The numeric libraries read these variables when they are first loaded, hence here; what a login
# script has set is overruled on purpose, SEPARATRIX_THREADS is the way to ask for more.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENMM_CPU_THREADS"):
    os.environ[_name] = os.environ.get("SEPARATRIX_THREADS", "1")

# HDF5 locks what it writes, which some file systems refuse. Here it protects nothing: files are written under a
# temporary name. What a user has set stays.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

__version__ = "0.1.0"


def numeric_threads() -> int:
    """Threads that the numeric libraries may use."""
    return int(os.environ["OMP_NUM_THREADS"])
