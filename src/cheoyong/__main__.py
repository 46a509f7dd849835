# SPDX-License-Identifier: Apache-2.0
"""``python -m cheoyong`` is the program."""

from cheoyong.cli import main

if __name__ == "__main__":
    main()
