"""Experiments, and the parts that they and the examples share.

example.py     options, data, progress bar and results of an example
rounds.py      rounds of training in epochs, and with a moving average
results.py     results over several seeds, with confidence intervals
toy_game.py    a small game on a mixture of Gaussians, and remedies for failures of training
classical.py   classifiers and densities without deep networks
reproduce/     published figures, measured again by their published protocols
"""
