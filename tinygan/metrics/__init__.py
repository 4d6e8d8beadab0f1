"""What samples are worth: measures of a set of generated samples against a set of real ones.

    modes          how many modes of a mixture are found, and how evenly
    parzen         the log-likelihood of the 2014 paper, and what to hold against it
    frechet, kid   distances of distributions of features
    manifold       precision, recall, density, coverage
    scores         what a classifier makes of the samples
    copies         are they training images? are they all one?
    psnr           how near are they to the images that they should be?
    interval       where a mean over seeds may lie
    transport      the earth mover's distance along a line
    kmeans         averages: what no measure should prefer to real images
    theory         the paper's quantities in closed form
    classifier     whose features and verdicts are used, trained by tinygan itself
    evaluation     all of these on a run's samples, beside their floor and controls
    report         the table of that, and what it must not be read without

Functions of arrays, of NumPy's or CuPy's, (N, ...) with a sample a row; randomness comes from an
explicit generator. Each names its formula, its source and how it misleads. No number means much
alone: hold it against real samples of the same size, and against samples known to be bad.
"""
