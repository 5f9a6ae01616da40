#!/bin/sh
# .clang-format is the only arbiter of layout: nothing in the tree differs from what it would write.
cd "$CM_TOP" && exec make --no-print-directory format-check
