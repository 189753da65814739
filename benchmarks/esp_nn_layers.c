/* Runs ESP-NN's kernels on the layers of cases.h and prints the clock ticks of each. */
#include <esp_nn_defs.h>
#include <esp_nn_ansi_headers.h>

#include "runtime.h"

#define N_VALUES 300000
#define N_CHANNELS 1024

void esp_nn_conv_s8_opt(const data_dims_t *, const int8_t *, const data_dims_t *, const int8_t *,
                        const int32_t *, const data_dims_t *, int8_t *, const conv_params_t *,
                        const quant_data_t *);
void esp_nn_depthwise_conv_s8_opt(const data_dims_t *, const int8_t *, const data_dims_t *,
                                  const int8_t *, const int32_t *, const data_dims_t *, int8_t *,
                                  const dw_conv_params_t *, const quant_data_t *);

static int8_t input[N_VALUES], filter[N_VALUES], output[N_VALUES];
static int32_t bias[N_CHANNELS], shift[N_CHANNELS], mult[N_CHANNELS], scratch[N_CHANNELS];

typedef struct {
    enum { CONVOLUTION, DEPTHWISE, FULLY_CONNECTED, AVERAGE_POOL, MAX_POOL, ADD, SOFTMAX } kind;
    int height, width, channels, out_height, out_width, filters;
    int filter_height, filter_width, stride_height, stride_width, pad_height, pad_width;
} layer_t;

static const layer_t layers[] = {
#include "cases.h"
};

/* ESP-NN complains by it; the C library's would need an operating system. */
int printf(const char *format, ...) {
    (void)format;
    return 0;
}

static void run(const layer_t *l) {
    const data_dims_t in = {l->width, l->height, l->channels, 1};
    const data_dims_t out = {l->out_width, l->out_height, l->filters, 1};
    const data_dims_t window = {l->filter_width, l->filter_height, l->channels, 1};
    const data_2d_t stride = {l->stride_width, l->stride_height};
    const data_2d_t padding = {l->pad_width, l->pad_height};
    const data_2d_t none = {1, 1};
    const act_params_t range = {-128, 127};
    const quant_data_t quant = {shift, mult};
    const conv_params_t conv = {128, -128, stride, padding, none, range};
    const dw_conv_params_t depthwise = {128, -128, l->filters / l->channels, stride, padding, none,
                                        range};
    switch (l->kind) {
    case CONVOLUTION:
        esp_nn_conv_s8_opt(&in, input, &window, filter, bias, &out, output, &conv, &quant);
        break;
    case DEPTHWISE:
        esp_nn_depthwise_conv_s8_opt(&in, input, &window, filter, bias, &out, output, &depthwise,
                                     &quant);
        break;
    case FULLY_CONNECTED:
        esp_nn_fully_connected_s8_ansi(input, 128, l->channels, filter, 0, bias, output, l->filters,
                                       -128, -9, mult[0], -128, 127);
        break;
    case AVERAGE_POOL:
        esp_nn_avg_pool_s8_ansi(input, l->width, l->height, output, l->out_width, l->out_height,
                                l->stride_width, l->stride_height, l->filter_width,
                                l->filter_height, l->pad_width, l->pad_height, -128, 127,
                                l->channels);
        break;
    case MAX_POOL:
        esp_nn_max_pool_s8_ansi(input, l->width, l->height, output, l->out_width, l->out_height,
                                l->stride_width, l->stride_height, l->filter_width,
                                l->filter_height, l->pad_width, l->pad_height, -128, 127,
                                l->channels);
        break;
    case ADD:
        esp_nn_add_elementwise_s8_ansi(input, filter, 128, 128, 1518500250, 1073741824, -1, 0, 20,
                                       output, -128, 1717986918, -19, -128, 127,
                                       l->height * l->width * l->channels);
        break;
    case SOFTMAX:
        esp_nn_set_softmax_scratch_buf_opt(scratch);
        esp_nn_softmax_s8_opt(input, 1, l->channels, 1431655765, 24, -248, output);
        break;
    }
}

int main(void) {
    uint32_t i, before, random = 1;
    sprd_ticks();
    for (i = 0; i < N_VALUES; i++) {
        random = random * 1664525u + 1013904223u;
        input[i] = (int8_t)(random >> 24);
        filter[i] = (int8_t)(random >> 16);
    }
    for (i = 0; i < N_CHANNELS; i++) {
        random = random * 1664525u + 1013904223u;
        bias[i] = (int32_t)(random >> 20) - 2048;
        mult[i] = (int32_t)(random >> 2) | 0x40000000;
        shift[i] = -7 - (int32_t)(i % 3);
    }
    for (i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        before = sprd_ticks();
        run(&layers[i]);
        sprd_print_u32("ticks", sprd_ticks() - before);
    }
    return 0;
}
