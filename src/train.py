"""Train an inpainting model.

python src/train.py                                          the embedded photographs, five minutes
python src/train.py data=folder data.root=pictures mask=free_form
python src/train.py experiment=paper data=places2 data.root=places2
"""

from farfill.cli.train import main

if __name__ == "__main__":
    main()
