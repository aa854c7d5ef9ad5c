"""What holds for every test: one thread a process, so that busy machines do not spin and results do not vary."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
