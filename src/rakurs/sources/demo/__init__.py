"""The demo company: what does Rakurs show on a firm whose truth is known?

ООО «Тёплый север» (invented) sells coffee and tea equipment and supplies to people and companies. It is made by
chance alone, in the engine, and everything planted in it is written down, so that an analysis can be checked.
"""

from rakurs.sources.demo.generate import generate
from rakurs.sources.demo.truth import Truth, read_truth

__all__ = ["Truth", "generate", "read_truth"]
