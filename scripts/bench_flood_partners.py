# SPDX-License-Identifier: Apache-2.0
"""Lays our inundation solvers beside landlab and ANUGA in one run: python scripts/bench_flood_partners.py

The others are installed into an environment of their own in a temporary folder (some 800 MB, some minutes),
which is removed at the end; nothing of theirs is a dependency. All compute a wet grid of bumps without rain:
landlab 1000 × 1000 nodes (OverlandFlow: de Almeida's local inertial, float64), ANUGA 500 × 500 squares of
four triangles (DE0: second order in space, float64), we 1000 × 1000 cells in float32 on all cores. Prints one
JSON line; a partner that does not install or run is null, and its reason on stderr.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PARTNERS = {
    "landlab_mcell_per_s": (
        "landlab==2.9.2",
        """
import time
import numpy as np
from landlab import RasterModelGrid
from landlab.components import OverlandFlow
n, steps = 1000, 20
grid = RasterModelGrid((n, n), xy_spacing=10.0)
bumps = np.random.default_rng(1).uniform(0.0, 0.5, n * n)
grid.add_field("topographic__elevation", bumps, at="node")
grid.add_field("surface_water__depth", np.full(n * n, 2.0), at="node")
flow = OverlandFlow(grid, mannings_n=0.03, steep_slopes=False)
flow.overland_flow(dt=0.5)
began = time.perf_counter()
for _ in range(steps):
    flow.overland_flow(dt=0.5)
print(n * n * steps / (time.perf_counter() - began) / 1e6)
""",
    ),
    "anuga_mtriangle_per_s": (
        "anuga==4.1.0",
        """
import time
import numpy as np
import anuga
n = 500
domain = anuga.rectangular_cross_domain(n, n, len1=n * 10.0, len2=n * 10.0)
domain.set_store(False)
domain.set_quantity("elevation", lambda x, y: 0.25 * np.sin(x / 50.0) * np.cos(y / 50.0))
domain.set_quantity("stage", 2.0)
domain.set_quantity("friction", 0.03)
wall = anuga.Reflective_boundary(domain)
domain.set_boundary({tag: wall for tag in domain.get_boundary_tags()})
for _ in domain.evolve(yieldstep=0.01, finaltime=0.01):
    pass
began, steps = time.perf_counter(), 0
for _ in domain.evolve(yieldstep=5.0, finaltime=domain.get_time() + 30.0):
    steps += domain.number_of_steps
print(domain.number_of_triangles * steps / (time.perf_counter() - began) / 1e6)
""",
    ),
}


def partner_rate(python: Path, package: str, program: str, folder: Path) -> float | None:
    """Million cells or triangles a second, or None and why on stderr."""
    try:
        _done([str(python), "-m", "pip", "install", "--quiet", package], folder)
        return round(float(_done([str(python), "-c", program], folder).split()[-1]), 2)
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        print(f"{package}: {error} {getattr(error, 'stderr', '')}", file=sys.stderr)
        return None


def _done(command: list[str], folder: Path) -> str:
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=1800
    ).stdout


def main() -> None:
    """Install, run one after the other, ours first and last, print."""
    ours = [sys.executable, "-m", "cheoyong", "bench", "inundation", "--json"]
    with tempfile.TemporaryDirectory(prefix="cheoyong-partners-") as root:
        folder = Path(root)
        found: dict[str, object] = {"cheoyong_before": json.loads(_done(ours, folder))}
        for name, (package, program) in PARTNERS.items():
            home = folder / name
            venv.create(home, with_pip=True)
            found[name] = partner_rate(home / "bin" / "python", package, program, folder)
        found["cheoyong_after"] = json.loads(_done(ours, folder))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
