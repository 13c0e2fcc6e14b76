"""What is left of a beam behind bone and soft tissue."""

from __future__ import annotations

import functools

import numpy as np
import torch

from InverseImagingLib.xray.spectrum import Material, attenuation_table, detector_response, tube_spectrum

_MEAN = (90.0, 3.0)  # kVp and mm of aluminum


class Beam:
    """-log of the signal behind bone and soft tissue, of a tube's spectrum."""

    def __init__(self, kvp: float = _MEAN[0], filtration: float = _MEAN[1]) -> None:
        self._log_weights, self._table = _beam_tables(kvp, filtration)

    def __call__(self, along: torch.Tensor) -> torch.Tensor:
        """(..., H, W) from so much bone and soft tissue in g/cm2, (..., 2, H, W)."""
        weights, table = self._log_weights.to(along), self._table.to(along)
        powers = weights - torch.einsum("...mhw,me->...hwe", along, table)
        return -torch.logsumexp(powers, dim=-1)


@functools.lru_cache(maxsize=64)
def _beam_tables(kvp: float, filtration: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Logarithm of the signal's shares, (energies,), and mass attenuation of bone and soft tissue, (2, energies)."""
    spectrum = tube_spectrum(kvp, filtration)
    signal = spectrum.weights * detector_response(spectrum.energies)
    table = attenuation_table(spectrum, [Material.BONE, Material.SOFT_TISSUE])
    return torch.from_numpy(np.log(signal / signal.sum())).float(), torch.from_numpy(table).float()
