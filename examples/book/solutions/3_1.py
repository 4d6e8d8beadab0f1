def grad(loss, xs):
    graph = [loss]
    for value in graph:  # the list grows while it is read
        graph += {parent for parent, _ in value.edges}.difference(graph)
    grads = {loss: 1.0}
    for value in sorted(graph, key=lambda value: -value.born):
        for parent, pull in value.edges:
            grads[parent] = grads.get(parent, 0) + pull(grads[value])
    return [grads[x] for x in xs]
