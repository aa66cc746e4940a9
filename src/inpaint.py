"""Fill holes in pictures of any size.

python src/inpaint.py photo.jpg hole.png -o filled.png --ckpt best.ckpt
python src/inpaint.py ckpt_path=best.ckpt image=photos mask=masks output=filled attention=maps
python src/inpaint.py ckpt_path=best.ckpt image=[a.jpg,b.png] mask=hole.png output=[c.png,d.tif]
"""

from farfill.cli.inpaint import main

if __name__ == "__main__":
    main()
