// A frame by OpenSplat's rasterizer for processors, for ../against.py, which compiles it with OpenSplat's own file.
#include <torch/extension.h>

#include "bindings.h"

// Colour [H, W, 3] over `background` of Gaussians in world space; `directions` [N, 3] lead from the camera to them.
torch::Tensor draw(torch::Tensor means, torch::Tensor quats, torch::Tensor scales, torch::Tensor opacities,
                   torch::Tensor harmonics, torch::Tensor directions, torch::Tensor view, torch::Tensor projection,
                   double fx, double fy, double cx, double cy, int64_t width, int64_t height,
                   torch::Tensor background) {
  torch::NoGradGuard no_gradients;
  const int count = means.size(0), degree = std::lround(std::sqrt(harmonics.size(1))) - 1;
  auto [centres, radii, conics, covariances, depths] = project_gaussians_forward_tensor_cpu(
      count, means, scales, 1.0f, quats, view, projection, fx, fy, cx, cy, height, width, 0.01f);
  auto colours = compute_sh_forward_tensor_cpu(count, degree, degree, directions, harmonics);
  colours = torch::clamp_min(colours + 0.5f, 0.0f).contiguous();
  auto [image, left, lists] = rasterize_forward_tensor_cpu(width, height, centres.contiguous(), conics.contiguous(),
                                                           colours, opacities, background, covariances,
                                                           depths.contiguous());
  delete[] lists;
  return image;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("draw", &draw); }
