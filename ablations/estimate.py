"""Print how long an ablation or any other sweep would take on this machine, and start nothing.

python ablations/estimate.py ablation=attention
python ablations/estimate.py ablation=gan scale=small trainer.max_steps=5000

With the folder of a finished small sweep, a pilot: how many seeds and hours its claims need.

python ablations/estimate.py runs/2026-01-31/12-00-00-attention
"""

import subprocess
import sys
from pathlib import Path

from farfill.ablation.command import pilot
from farfill.config.paths import script

if __name__ == "__main__":
    given = sys.argv[1:]
    if len(given) == 1 and "=" not in given[0]:
        pilot(Path(given[0]))
    else:
        train = [sys.executable, str(script("train")), "--multirun"]
        sys.exit(subprocess.run([*train, *given, "sweep.dry_run=true"]).returncode)
