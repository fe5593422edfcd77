/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_MATH_H
#define FREEBSDTEST_MATH_H

double floor(double x);
double trunc(double x);
double ldexp(double x, int exponent);
double frexp(double x, int *exponent);
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
#define signbit(x) __builtin_signbit(x)
#define NAN __builtin_nan("")
#define INFINITY __builtin_inf()
#define HUGE_VAL __builtin_huge_val()

#endif
