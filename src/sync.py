"""Upload offline runs to Weights & Biases.

python src/sync.py runs/2026-01-31/12-00-00       a run or a sweep
python src/sync.py runs                           everything that is not uploaded yet
"""

from farfill.cli.sync import main

if __name__ == "__main__":
    main()
