/* memcpy and memset a byte at a time, as newlib-nano has them, which Arduino links. */
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t n) {
    char *a = to;
    const char *b = from;
    while (n--) {
        *a++ = *b++;
    }
    return to;
}

void *memset(void *to, int value, size_t n) {
    char *a = to;
    while (n--) {
        *a++ = (char)value;
    }
    return to;
}
