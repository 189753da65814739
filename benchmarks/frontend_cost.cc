/* Runs the micro front end on an emulated core: see frontend_cost.py, which makes cases.inc (settings)
   and, with CHECK, clip.inc (samples). */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "runtime.h"
#include "tensorflow/lite/experimental/microfrontend/lib/frontend.h"
#include "tensorflow/lite/experimental/microfrontend/lib/frontend_util.h"
struct Case { int rate, size, step, channels; float low, high; int pcan, log; };
static const Case kCases[] = {
#include "cases.inc"
};
/* Byte by byte, like the runtime's memcpy. */
extern "C" void* memmove(void* to, const void* from, size_t n) {
  if (to <= from) return memcpy(to, from, n);
  while (n--) ((char*)to)[n] = ((const char*)from)[n];
  return to;
}
/* An application has these anyway; the allocator never frees, so that what is asked for sums up. */
extern "C" size_t fwrite(const void*, size_t, size_t n, FILE*) { return n; }
extern "C" int fprintf(FILE*, const char*, ...) { return 0; }
static uint64_t heap[1 << 16];
static size_t used, n_blocks;
extern "C" void* malloc(size_t n) {
  size_t at = used;
  used += (n + 7) / 8;
  n_blocks++;
  return used <= sizeof heap / sizeof *heap ? heap + at : nullptr;
}
extern "C" void* calloc(size_t n, size_t size) {
  void* block = malloc(n * size);
  return block ? memset(block, 0, n * size) : nullptr;
}
extern "C" void free(void*) {}
static FrontendState state;
static void start(const Case& c) {
  FrontendConfig config;
  FrontendFillConfigWithDefaults(&config);
  config.window.size_ms = c.size;
  config.window.step_size_ms = c.step;
  config.filterbank.num_channels = c.channels;
  config.filterbank.lower_band_limit = c.low;
  config.filterbank.upper_band_limit = c.high;
  config.pcan_gain_control.enable_pcan = c.pcan;
  config.log_scale.enable_log = c.log;
  used = n_blocks = 0;
  uint32_t before = sprd_ticks();
  int done = FrontendPopulateState(&config, &state, c.rate);
  uint32_t after = sprd_ticks();
  uint32_t products = 0;
  for (int i = 0; done && i <= c.channels; i++) products += state.filterbank.channel_widths[i];
  sprd_print_u32("done", done);
  sprd_print_u32("setup", after - before);
  sprd_print_u32("state", sizeof state + 8 * (used + n_blocks));
  sprd_print_u32("fft", state.fft.fft_size);
  sprd_print_u32("products", products);
}
#ifdef CHECK
static const int16_t kClip[] = {
#include "clip.inc"
};
int main() {
  for (const Case& c : kCases) {
    start(c);
    const int16_t* at = kClip;
    size_t left = sizeof kClip / sizeof *kClip, read;
    while (left) {
      FrontendOutput output = FrontendProcessSamples(&state, at, left, &read);
      for (size_t i = 0; i < output.size; i++) sprd_print_u32("feature", output.values[i]);
      at += read, left -= read;
    }
  }
  return 0;
}
#else
static int16_t audio[16384];
static uint32_t seed;
static int16_t sound(int kind, int t, int rate) {
  seed = seed * 1664525u + 1013904223u;
  int noise = (int)(seed >> 16) - 32768, saw = rate / 125, square = rate / 1000;
  switch (kind) {
    case 0: return 0;
    case 1: return noise >> 11;
    case 2: return noise >> 7;
    case 3: return noise;
    case 4: return t % saw * 40000 / saw - 20000 + (noise >> 9);
    case 5: return 2 * (t % square) < square ? 30000 : -30000;
    default: return noise < 0 ? -32767 : 32767;
  }
}
static void hear(size_t n, int kind, int* t, int rate) {
  for (size_t i = 0; i < n; i++) audio[i] = sound(kind, (*t)++, rate);
}
int main() {
  for (const Case& c : kCases) {
    start(c);
    for (int kind = 0; kind < N_SOUNDS; kind++) {
      const size_t step = state.window.step, lead = state.window.size - step;
      size_t read;
      int t = 0;
      seed = 1;
      FrontendReset(&state);
      hear(lead, kind, &t, c.rate);
      FrontendProcessSamples(&state, audio, lead, &read);
      for (int frame = 0; frame < 10; frame++) {
        hear(step, kind, &t, c.rate);
        uint32_t before = sprd_ticks();
        FrontendOutput output = FrontendProcessSamples(&state, audio, step, &read);
        uint32_t after = sprd_ticks();
        if (output.size != (size_t)c.channels) return 1;
        if (frame >= 4) sprd_print_u32("frame", after - before);
      }
    }
  }
  return 0;
}
#endif
