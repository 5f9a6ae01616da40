/* How many bytes this process has allocated, sanitizers or not. */
#ifndef TESTS_UNIT_WATCH_MEMORY_H
#define TESTS_UNIT_WATCH_MEMORY_H

#include <stddef.h>

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* of sanitizer/allocator_interface.h, which gcc does not bring */

static inline size_t bytes_in_use(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
#include <malloc.h>

static inline size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
#endif

#endif
