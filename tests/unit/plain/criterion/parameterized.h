/* SPDX-License-Identifier: MIT */
/* Stands in for <criterion/parameterized.h>: all of it is in criterion.h. */
#include "criterion.h"
