"""Turn a sweep's folder into ABLATION.md and a self-contained ablation.html.

python ablations/report.py runs/2026-01-31/12-00-00-attention
python ablations/report.py runs/2026-01-31/12-00-00 --reference gan=wgan_gp
"""

from farfill.ablation.command import main

if __name__ == "__main__":
    main()
