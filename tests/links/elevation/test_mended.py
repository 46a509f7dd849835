# SPDX-License-Identifier: Apache-2.0
"""The command that an error gives, typed as it stands, mends the file."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.transform import Affine, from_origin
from test_elevation import CRS, NORTH, WEST, write

from cheoyong.domain.errors import ConfigurationError
from cheoyong.links.elevation import read_elevation

HILL = np.full((40, 60), 12.0, np.float32)


@pytest.mark.parametrize(
    "wrong",
    [
        {"crs": "EPSG:5179", "transform": from_origin(1_155_000.0, 1_732_000.0, 50.0, 50.0)},
        {"transform": Affine(4, 3, WEST - 50, 3, -4, NORTH + 50)},
        {"transform": from_origin(WEST, NORTH, 5.0, 10.0)},
        {"heights": np.where(np.arange(60) < 30, HILL, -9999.0).astype(np.float32), "nodata": None},
    ],
    ids=["another projection", "turned", "oblong", "no nodata value"],
)
def test_the_mend_that_is_given_mends(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = write(tmp_path / "dem.tif", **({"heights": HILL} | wrong))
    around = (WEST - 1e7, NORTH - 1e7, WEST + 1e7, NORTH + 1e7)
    with pytest.raises(ConfigurationError) as caught:
        read_elevation(path, CRS, around)
    command = "rio" + caught.value.mend.partition("rio")[2].partition(";")[0].replace("METRES", "5")
    program = Path(sys.executable).with_name("rio")
    done = subprocess.run(
        [str(program), *shlex.split(command)[1:]], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    mended = tmp_path / "mended.tif"
    found = read_elevation(mended if mended.exists() else path, CRS, around)
    known = found.bed_m[np.isfinite(found.bed_m)]
    assert len(known) > 100
    assert set(known.tolist()) == {12.0}
