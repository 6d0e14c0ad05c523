import numpy as np
import pytest
import torch

from emosplat.avatars.fitting.losses import binding_loss, picture_loss, psnr, ssim


def pictures(height: int, width: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    a = torch.rand(height, width, 3, generator=g, dtype=torch.float64)
    return a, (a + 0.3 * torch.rand(height, width, 3, generator=g, dtype=torch.float64)) / 1.3


def test_ssim_is_torchmetrics() -> None:
    """Which takes mirrored pictures, not zeros, beyond the edge: here the borders agree, so that it does not count."""
    from torchmetrics.functional.image import structural_similarity_index_measure  # 4 s, for this test alone

    a, b = pictures(40, 52)
    margin = 10
    b[:margin], b[-margin:], b[:, :margin], b[:, -margin:] = a[:margin], a[-margin:], a[:, :margin], a[:, -margin:]
    theirs = structural_similarity_index_measure(
        b.permute(2, 0, 1)[None], a.permute(2, 0, 1)[None], data_range=1.0, kernel_size=11, sigma=1.5
    )
    assert float(theirs) < 0.99  # pyright: ignore[reportArgumentType]
    assert float(ssim(b, a)) == pytest.approx(float(theirs), abs=1e-9)  # pyright: ignore[reportArgumentType]


def test_ssim_of_equal_pictures_is_1() -> None:
    a, b = pictures(20, 30)
    assert float(ssim(a, a)) == pytest.approx(1)
    assert float(ssim(a, b)) < 0.99


def test_ssim_has_the_gradient_of_finite_differences() -> None:
    a, b = pictures(8, 9)
    assert torch.autograd.gradcheck(lambda x: ssim(x, b), a.clone().requires_grad_())


def test_picture_loss_of_a_constant_error() -> None:
    black, grey = torch.zeros(16, 16, 3), torch.full((16, 16, 3), 0.25)
    assert float(picture_loss(grey, black)) == pytest.approx(0.8 * 0.25 + 0.2 * (1 - float(ssim(grey, black))))
    assert psnr(grey, black) == pytest.approx(-20 * np.log10(0.25), abs=1e-4)


def test_binding_costs_only_what_leaves_the_triangle() -> None:
    near, far = torch.tensor([[0.9, 0.0, 0.0]]), torch.tensor([[3.0, 4.0, 0.0]])
    small, large = torch.full((1, 3), 0.6), torch.tensor([[0.9, 1.0, 0.1]])
    assert float(binding_loss(near, small)) == 0
    assert float(binding_loss(far, small)) == pytest.approx(0.01 * 4)
    assert float(binding_loss(near, large)) == pytest.approx(0.5)
    assert float(binding_loss(near[:0], small[:0])) == 0
