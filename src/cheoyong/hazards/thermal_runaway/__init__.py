# SPDX-License-Identifier: Apache-2.0
"""Battery fires: precursors of thermal runaway in energy stores, told from what only looks like them.

``shadow``: the detector is scored on simulated racks only, and no city has its sensors yet. Importing this
package costs nothing; :mod:`.kinetics` and :mod:`.stages` bring Numba.
"""

from cheoyong.domain.hazard import HazardCard

CARD = HazardCard(
    id="thermal_runaway",
    needs=(
        "module temperature above the rack's median (K)",
        "module voltage below the rack's median (mV)",
        "volatile organic compounds, H2, CO, CO2 in the rack's air (ppm)",
        "smoke (%/m)",
    ),
    gives=(
        "probability of each stage: heating, off-gas, venting, runaway",
        "log-odds that a cell is failing",
    ),
    lead_s=(),
    maturity="shadow",
    sources=(
        "Hatchard, MacNeil, Basu and Dahn (2001), J. Electrochem. Soc. 148(7), A755",
        "Kim, Pesaran and Spotnitz (2007), J. Power Sources 170(2), 476",
        "Rabiner (1989), Proc. IEEE 77(2), 257: hidden Markov models",
    ),
    limits=(
        "Scored on simulated racks only: no public series of gases before a fire in a store exists. "
        "A cell that fails within minutes (a nail, a crash) gives no warning before it vents. Propagation "
        "from cell to cell is not modelled. Humidity and vibration are not used by the detector."
    ),
)
