/* Runs the generated model on every input: ticks and outputs of each, then marks of the layers. */
#include "bknn_m.h"
#include "runtime.h"

extern const int8_t sprd_inputs[];
__asm__(".section .rodata.sprd_inputs\n"
        ".balign 16\n"
        ".global sprd_inputs\n"
        "sprd_inputs:\n"
        ".incbin \"" INPUT_FILE "\"\n"
        ".previous\n");

void sprd_marked_infer(uint8_t *arena, const int8_t *input, int8_t *output);

static uint8_t arena[BKNN_M_ARENA_SIZE + 16] __attribute__((aligned(16)));
static int8_t output[BKNN_M_OUTPUT_BYTES] __attribute__((aligned(16)));
static uint32_t marks[N_MARKS];
static uint32_t n_marks;

void sprd_mark(void) {
    if (n_marks < N_MARKS) {
        marks[n_marks++] = sprd_ticks();
    }
}

int main(void) {
    uint32_t i;
    sprd_ticks();
    for (i = 0; i < N_INPUTS; i++) {
        const int8_t *input = sprd_inputs + i * INPUT_BYTES;
        uint32_t before, after;
        if (i == 0) {
            sprd_paint_stack();
        }
        before = sprd_ticks();
        bknn_m_infer(arena, input, output);
        after = sprd_ticks();
        if (i == 0) {
            sprd_print_u32("stack", sprd_stack_used_bytes());
        }
        sprd_print_u32("ticks", after - before);
        sprd_print_hex("outputs", output, BKNN_M_OUTPUT_BYTES);
    }
    sprd_marked_infer(arena, sprd_inputs, output);
    for (i = 0; i < n_marks; i++) {
        sprd_print_u32("mark", marks[i] - marks[0]);
    }
    sprd_print_u32("arena", BKNN_M_ARENA_SIZE);
    return 0;
}
