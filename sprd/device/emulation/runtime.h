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
/* Fills what lies below the stack pointer; then says how much of it was used. */
void sprd_paint_stack(void);
uint32_t sprd_stack_used_bytes(void);
#ifdef __cplusplus
}
#endif
#endif
