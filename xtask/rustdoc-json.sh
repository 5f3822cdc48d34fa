#!/bin/sh
# The JSON of rustdoc is not stable yet. Only rustdoc itself is told to write it: told to cargo as a
# whole, it would also make build scripts run anew, here and again in the next ordinary build.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
