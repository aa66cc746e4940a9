"""Score a checkpoint on pictures it was not trained on.

python src/evaluate.py ckpt_path=runs/.../checkpoints/best.ckpt
python src/evaluate.py ckpt_path=best.ckpt data=folder data.root=pictures mask=free_form
python src/evaluate.py ckpt_path=best.ckpt manifest=runs/.../manifest.json
"""

from farfill.cli.evaluate import main

if __name__ == "__main__":
    main()
