"""The lab: the engine's source beside the game that it plays, in a browser.

    session     one function from a request to a reply, for a server or a worker
    run         a game that is played round by round
    players     G, D, data, noise and optimizers from settings
    settings    settings, and their text in an address
    samples     points to learn, and images of digits
    density     p_data, p_g, D* and the Jensen-Shannon divergence on the line
    picture     arrays that a page draws

These modules need NumPy and the standard library alone, so that they also run in a browser.
"""
