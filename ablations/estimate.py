"""Print the hours that an ablation or any other sweep would take on this machine.

python ablations/estimate.py ablation=attention
python ablations/estimate.py ablation=gan scale=small trainer.max_generator_steps=5000
"""

from farfill.sweep.estimate import main

if __name__ == "__main__":
    main()
