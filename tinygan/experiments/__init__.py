"""The parts of examples and experiments.

example.py     options, data, progress bar and results of an example
results.py     results over seeds, with intervals
toy_game.py    a small game on a mixture of Gaussians, and the remedies for its failures
classical.py   classifiers and densities from before deep networks
reproduce/     published figures by their own protocols
"""
