"""Print how long an ablation or any other sweep would take on this machine, and start nothing.

python ablations/estimate.py ablation=attention
python ablations/estimate.py ablation=gan scale=small trainer.max_generator_steps=5000
"""

import subprocess
import sys

from farfill.config.paths import script

if __name__ == "__main__":
    train = [sys.executable, str(script("train")), "--multirun"]
    sys.exit(subprocess.run([*train, *sys.argv[1:], "sweep.dry_run=true"]).returncode)
