/* cmocka wants these before itself; every unit test begins with this line. */
#ifndef TESTS_UNIT_LIB_CMOCKA_FIRST_H
#define TESTS_UNIT_LIB_CMOCKA_FIRST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
