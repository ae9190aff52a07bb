"""Entry point of ``python -m training``."""

import os

from models.cores import usable_cores

# Read on import, by OpenBLAS and Arrow the first, by TensorFlow the others, which ignore a container's CPU quota.
os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(usable_cores()))
os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(usable_cores()))

from training.cli import main

if __name__ == "__main__":
    main()
