"""Training an avatar from pictures of a person with tracked FLAME parameters (docs/train-an-avatar.md).

dataset.py    what VHAP exports for GaussianAvatars: cameras, pictures, parameters; checked before use
model.py      Gaussians on triangles and the parameters that move them, as PyTorch tensors
painters.py   who draws them differentiably: our CPU kernels or gsplat
losses.py     colour, structure, and what keeps Gaussians near their triangles
densify.py    more Gaussians where the picture asks for them; never a triangle without one
train.py      the loop: schedule, checkpoints, curve, samples
evaluate.py   PSNR and SSIM of the finished avatar on cameras and sequences held out
synthetic.py  a data set in the same layout, rendered from an avatar
"""
