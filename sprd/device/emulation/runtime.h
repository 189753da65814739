/* What a program on the emulated core may use. */
#ifndef SPRD_RUNTIME_H
#define SPRD_RUNTIME_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
/* Prints "key=value". */
void sprd_print_u32(const char *key, uint32_t value);
/* Prints "key=" and two hexadecimal digits a byte. */
void sprd_print_hex(const char *key, const void *data, uint32_t n_bytes);
/* Ticks of SysTick since the start, modulo 2^32; the first call starts it. */
uint32_t sprd_ticks(void);
/* Fills what lies below the stack pointer; then says how much of it was used by what the caller
   called, from the caller's own stack pointer down. Below about 200 bytes it says too much. */
void sprd_paint_stack(void);
uint32_t sprd_stack_used_below(uint32_t stack_pointer);
static inline __attribute__((always_inline)) uint32_t sprd_stack_used_bytes(void) {
    uint32_t stack_pointer;
    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
    return sprd_stack_used_below(stack_pointer);
}
#ifdef __cplusplus
}
#endif
#endif
