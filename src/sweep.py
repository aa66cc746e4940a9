"""What became of a sweep, and the rest of it.

python src/sweep.py status runs/<date>/<time>      every run: state, steps, time, host and job
python src/sweep.py missing runs/<date>/<time>     a command for each that is missing or failed
python src/sweep.py rerun runs/<date>/<time>       start these again, and only these
"""

from farfill.cli.sweep import main

if __name__ == "__main__":
    main()
