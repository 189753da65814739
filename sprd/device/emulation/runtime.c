/* Start-up, semihosting and a clock for a program on an emulated Cortex-M. */
#include "runtime.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018)
#define ICSR (*(volatile uint32_t *)0xE000ED04)
#define CYCLE 0x1000000u /* SysTick counts 24 bits, downwards. */
#define PAINT 0xA5A5A5A5u

int main(void);
extern uint32_t _estack, _sstack, _sdata, _edata, _sidata, _sbss, _ebss;

static uint32_t semihost(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void write_text(const char *text) { semihost(4, text); }

void sprd_print_u32(const char *key, uint32_t value) {
    char digits[12];
    int i = 11;
    digits[i] = 0;
    digits[--i] = '\n';
    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    write_text(key);
    write_text("=");
    write_text(digits + i);
}

void sprd_print_hex(const char *key, const void *data, uint32_t n_bytes) {
    static const char digit[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    char text[129];
    write_text(key);
    write_text("=");
    while (n_bytes) {
        uint32_t n = n_bytes < 64 ? n_bytes : 64, i;
        for (i = 0; i < n; i++) {
            text[2 * i] = digit[bytes[i] >> 4];
            text[2 * i + 1] = digit[bytes[i] & 15];
        }
        text[2 * n] = 0;
        write_text(text);
        bytes += n;
        n_bytes -= n;
    }
    write_text("\n");
}

static volatile uint32_t wraps;

void SysTick_Handler(void) { wraps++; }

uint32_t sprd_ticks(void) {
    uint32_t before, count, after;
    if (!(SYST_CSR & 1)) {
        SYST_RVR = CYCLE - 1;
        SYST_CVR = 0;
        SYST_CSR = 7; /* core clock, interrupt, on */
        while (!SYST_CVR) {
        }
    }
    do {
        before = wraps;
        count = SYST_CVR;
        after = wraps;
    } while (before != after);
    return before * CYCLE + (CYCLE - 1 - count);
}

void sprd_paint_stack(void) {
    volatile uint32_t here;
    volatile uint32_t *word;
    for (word = &_sstack; word < &here - 32; word++) {
        *word = PAINT;
    }
}

uint32_t sprd_stack_used_below(uint32_t stack_pointer) {
    const volatile uint32_t *word = &_sstack;
    while ((uint32_t)word < stack_pointer && *word == PAINT) {
        word++;
    }
    return stack_pointer - (uint32_t)word;
}

static void end(int failed) {
    if (failed) {
        write_text("fault=1\n");
    }
    semihost(0x18, (const void *)0x20026); /* SYS_EXIT, application exit */
    for (;;) {
    }
}

void Fault_Handler(void) { end(1); }

void Reset_Handler(void) {
    uint32_t *from = &_sidata, *to;
    for (to = &_sdata; to < &_edata;) {
        *to++ = *from++;
    }
    for (to = &_sbss; to < &_ebss;) {
        *to++ = 0;
    }
    end(main() != 0);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &_estack,      Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
    Fault_Handler, Fault_Handler, 0,             0,             0,
    0,             Fault_Handler, Fault_Handler, 0,             Fault_Handler,
    SysTick_Handler,
};
