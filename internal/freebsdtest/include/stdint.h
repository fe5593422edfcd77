/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_STDINT_H
#define FREEBSDTEST_STDINT_H

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t, intptr_t, intmax_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned uint32_t;
typedef unsigned long uint64_t, uintptr_t, uintmax_t;
#define INT64_C(c) c##L
#define UINT64_C(c) c##UL
#define INT32_MAX 0x7fffffff
#define INT64_MAX 0x7fffffffffffffff
#define INT64_MIN (-INT64_MAX - 1)
#define UINT8_MAX 0xff
#define UINT16_MAX 0xffff
#define UINT32_MAX 0xffffffff
#define UINT64_MAX 0xffffffffffffffff
#define SIZE_MAX UINT64_MAX

#endif
