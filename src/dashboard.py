"""Create or update the dashboard of a project in Weights & Biases.

python src/dashboard.py entity=me project=farfill
python src/dashboard.py group_by=[attention] name=Attention
python src/dashboard.py dry_run=true                           what it shows, without a network
"""

from farfill.cli.dashboard import main

if __name__ == "__main__":
    main()
