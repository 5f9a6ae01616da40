#!/bin/sh
# The includes point down only.
exec "$CM_TOP/tests/layers"
