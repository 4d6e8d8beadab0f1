"""Variants of Algorithm 1, one file per paper.

    conditional      conditional GAN (Mirza and Osindero 2014) and AC-GAN (Odena et al. 2017)
    packing          PacGAN: D classifies several images at once (Lin et al. 2018)
    semi_supervised  D as a classifier with few labels (Salimans et al. 2016)
    text_to_image    images from captions (Reed et al. 2016; Zhang et al. 2017)
    pix2pix          paired image-to-image translation (Isola et al. 2017)
    cyclegan         unpaired image-to-image translation (Zhu et al. 2017)

Import them by module, as in `from tinygan.gan.variants import cyclegan`.
"""
