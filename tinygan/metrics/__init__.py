"""Metrics: compare a set of samples with a set of real images.

    distances          nearest neighbors and squared distances, block by block
    frechet            the Frechet distance and KID, on features
    precision_recall   precision, recall, density, coverage
    classifier_scores  classifier score, class counts, GAN-test and GAN-train
    memorization       copies of training images, and duplicates
    modes              how many modes of a mixture are captured, and how evenly
    parzen             the log-likelihood of the 2014 paper
    pixels             PSNR, stroke width, checkerboard patterns, W1 per axis
    captions           digit, ink and ground of colored digits
    kmeans             averages of images, a control for every metric
    classifier         the classifier whose features and predictions the metrics use
    random_features    features of a random network, for images without labels
    image_sets         the real images, samples and controls of an evaluation
    evaluation         all metrics of a run's samples, with reference and controls
    report             the table of an evaluation, with notes and warnings

Functions take NumPy or CuPy arrays (N, ...), one sample per row; random numbers come from an
explicit generator. Each docstring gives the formula, the source, and how the metric can mislead.
Compare each value with that of real images at the same N, and with those of controls, which are
known to be bad.
"""
