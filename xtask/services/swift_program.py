"""Runs a program of Swift over a configuration that is not in /etc/swift.

Its daemons read /etc/swift/swift.conf whatever the option `swift_dir` says, unless told before they load.
"""

import runpy
import sys

from swift.common import utils

folder, program, *arguments = sys.argv[1:]
sys.argv = [program, *arguments]
utils.set_swift_dir(folder)
runpy.run_path(program, run_name="__main__")
