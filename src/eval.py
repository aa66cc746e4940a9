"""The same as evaluate.py, by the name that lightning-hydra-template gives it."""

from farfill.cli.evaluate import main

if __name__ == "__main__":
    main()
