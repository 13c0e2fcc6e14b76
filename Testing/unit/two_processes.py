"""What torchrun runs in test_training.py: four steps at once, and in two parts."""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors.torch import save_file
from torch import distributed
from training_samples import line_trainer

from InverseImagingLib.training import trainer
from InverseImagingLib.training.distributed import team

trainer._EVERY = 1
folder = Path(sys.argv[1])
with team() as processes:
    for name, steps, resume in (("whole", 4, False), ("parts", 2, False), ("parts", 4, True)):
        run = line_trainer(folder / name, steps, processes)
        if resume:
            run.resume()
        run.run(lambda line: None)
        save_file(
            {key: value.contiguous() for key, value in run.network.state_dict().items()},
            folder / f"{name}-{processes.rank}.safetensors",
        )
        distributed.barrier()  # until the first one has saved
