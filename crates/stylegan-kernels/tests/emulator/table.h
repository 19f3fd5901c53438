// All kernels, by name. Each file has a namespace, as each is a module of its own on the device.
#include "common.cuh"

namespace bias_act_cu {
#include "bias_act.cu"
}
namespace upfirdn2d_cu {
#include "upfirdn2d.cu"
}
namespace modulate_cu {
#include "modulate.cu"
}
namespace instance_style_cu {
#include "instance_style.cu"
}
namespace spade_norm_cu {
#include "spade_norm.cu"
}
namespace pixel_norm_cu {
#include "pixel_norm.cu"
}
namespace minibatch_stddev_cu {
#include "minibatch_stddev.cu"
}
namespace resample_cu {
#include "resample.cu"
}
namespace pad_cu {
#include "pad.cu"
}
namespace label_cu {
#include "label.cu"
}
namespace im2col_cu {
#include "im2col.cu"
}
namespace winograd_cu {
#include "winograd.cu"
}
namespace optim_cu {
#include "optim.cu"
}
namespace augment_cu {
#include "augment.cu"
}

#define ENTRY(FILE, NAME) {#NAME, &emulator::Call<&FILE##_cu::NAME>::call}
static const std::map<std::string, void (*)(void**)> KERNELS = {
    ENTRY(bias_act, bias_act),
    ENTRY(bias_act, bias_act_gradient),
    ENTRY(bias_act, epilogue_gradient),
    ENTRY(bias_act, smooth),
    ENTRY(bias_act, channel_sum),
    ENTRY(bias_act, channel_spread),
    ENTRY(bias_act, row_sum),
    ENTRY(upfirdn2d, upfirdn2d_same),
    ENTRY(upfirdn2d, upfirdn2d_up2),
    ENTRY(upfirdn2d, upfirdn2d_down2),
    ENTRY(upfirdn2d, upfirdn2d_separable),
    ENTRY(upfirdn2d, upfirdn2d),
    ENTRY(modulate, channel_scale),
    ENTRY(modulate, plane_dot),
    ENTRY(modulate, plane_dot_short),
    ENTRY(modulate, demodulation),
    ENTRY(modulate, flip_transpose),
    ENTRY(instance_style, instance_style),
    ENTRY(instance_style, instance_style_gradient),
    ENTRY(spade_norm, moments),
    ENTRY(spade_norm, join_moments),
    ENTRY(spade_norm, spade_norm),
    ENTRY(spade_norm, spade_norm_sums),
    ENTRY(spade_norm, spade_norm_gradient),
    ENTRY(pixel_norm, pixel_norm),
    ENTRY(pixel_norm, pixel_norm_rows),
    ENTRY(minibatch_stddev, minibatch_stddev),
    ENTRY(minibatch_stddev, minibatch_stddev_gradient),
    ENTRY(resample, repeat_pixels),
    ENTRY(resample, sum_blocks),
    ENTRY(resample, bilinear),
    ENTRY(resample, bilinear_adjoint),
    ENTRY(resample, max_pool),
    ENTRY(resample, max_pool_adjoint),
    ENTRY(pad, reflect_pad),
    ENTRY(pad, reflect_pad_adjoint),
    ENTRY(label, label_conv),
    ENTRY(label, label_conv_adjoint),
    ENTRY(im2col, im2col),
    ENTRY(im2col, col2im),
    ENTRY(winograd, winograd_input),
    ENTRY(winograd, winograd_output),
    ENTRY(winograd, winograd_output_transposed),
    ENTRY(winograd, winograd_filter),
    ENTRY(winograd, winograd_filter_transposed),
    ENTRY(optim, adam),
    ENTRY(optim, ema),
    ENTRY(augment, affine_resample),
    ENTRY(augment, affine_resample_adjoint),
    ENTRY(augment, image_filter),
    ENTRY(augment, image_filter_adjoint),
    ENTRY(augment, color_transform),
    ENTRY(augment, cutout),
};
