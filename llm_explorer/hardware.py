"""What a model is sized for: this machine, a named accelerator, or a typed amount of memory.

Speeds are the maker's own peaks, dense (data sheets often print twice as much, "with sparsity"), from the document
named in ``source`` as it was quoted publicly on ``date``. Memory is what the driver reports, not what the box says.
None is unknown, or a format the device does not have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from llm_explorer.units import parse_size

THIS_MACHINE: Final = "this machine"


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """One device: bytes of memory, dense peak FLOP/s by dtype name, bytes per second of its memory.

    ``kernels`` is the set that torch has for it; None where the name does not say.
    """

    name: str
    title: str
    memory_bytes: int | None
    kernels: Literal["cuda"] | None = None
    peak_flops: Mapping[str, float | None] = field(default_factory=dict)
    bandwidth_bytes_per_s: float | None = None
    source: str = ""
    date: str = ""


_READ: Final = "2026-11-23"
_DTYPES: Final = ("float32", "tensorfloat32", "bfloat16", "float16")

# Where the figures were printed; tensor core rates are those that accumulate in float32, as torch does.
_B200: Final = "NVIDIA Blackwell datasheet and HGX page, https://www.nvidia.com/en-us/data-center/hgx/"
_H200: Final = "NVIDIA H200 datasheet, https://www.nvidia.com/en-us/data-center/h200/"
_H100: Final = "NVIDIA H100 datasheet, https://www.nvidia.com/en-us/data-center/h100/"
_A100: Final = "NVIDIA A100 datasheet, https://www.nvidia.com/en-us/data-center/a100/"
_L40S: Final = "NVIDIA L40S datasheet, https://resources.nvidia.com/en-us-l40s/l40s-datasheet-28413"
_L4: Final = "NVIDIA L4 datasheet, https://resources.nvidia.com/en-us-data-center-overview/l4-gpu-datasheet"
_T4: Final = (
    "NVIDIA T4 datasheet, "
    "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center/tesla-t4/t4-tensor-core-datasheet-951643.pdf"
)
_V100: Final = (
    "NVIDIA V100 datasheet, "
    "https://images.nvidia.com/content/technologies/volta/pdf/volta-v100-datasheet-update-us-1165301-r5.pdf"
)
_5090: Final = (
    "NVIDIA RTX Blackwell architecture whitepaper, appendix A, "
    "https://images.nvidia.com/aem-dam/Solutions/geforce/blackwell/nvidia-rtx-blackwell-gpu-architecture.pdf"
)
_4090: Final = (
    "NVIDIA Ada architecture whitepaper v2.1, appendix A, "
    "https://images.nvidia.com/aem-dam/Solutions/geforce/ada/nvidia-ada-gpu-architecture.pdf"
)
_3090: Final = (
    "NVIDIA Ampere GA102 whitepaper v2, appendix A, "
    "https://www.nvidia.com/content/PDF/nvidia-ampere-ga-102-gpu-architecture-whitepaper-v2.pdf"
)
_MI300X: Final = (
    "AMD CDNA 3 white paper, endnotes MI300-11 and MI300-13, "
    "https://www.amd.com/content/dam/amd/en/documents/instinct-tech-docs/white-papers/amd-cdna-3-white-paper.pdf"
)
_M4: Final = "Apple, MacBook Pro (14-inch, M4, 2024) tech specs, https://support.apple.com/en-us/121552"
_M4_PRO: Final = (
    "Apple, MacBook Pro (14-inch, M4 Pro or M4 Max, 2024) tech specs, https://support.apple.com/en-us/121553"
)
_M3_PRO: Final = (
    "Apple, MacBook Pro (14-inch, M3 Pro or M3 Max, 2023) tech specs, https://support.apple.com/en-us/117736"
)

_Rate = float | None


def _row(name: str, title: str, mebibytes: int, tflops: tuple[_Rate, ...], gb_per_s: float, source: str) -> Hardware:
    """A row from the units makers print: 10^12 FLOP/s in the order of _DTYPES, and 10^9 bytes/s."""
    peaks = {dtype: None if rate is None else rate * 1e12 for dtype, rate in zip(_DTYPES, tflops, strict=True)}
    return Hardware(
        name=name,
        title=title,
        memory_bytes=mebibytes * 1024**2,
        # torch for AMD has CUDA's under the same names; of those for a Mac nothing is known here
        kernels=None if name.startswith("macbook") else "cuda",
        peak_flops=peaks,
        bandwidth_bytes_per_s=gb_per_s * 1e9,
        source=source,
        date=_READ,
    )


# Memory in MiB: the total of nvidia-smi and rocm-smi. A maker's GB here is 1024^3 bytes, less what is kept back: an
# H100 "80 GB" has 81,559 MiB, and GDDR6 server cards give 1/16 to error correction (a T4 "16 GB" has 15,360 MiB).
# Totals: github.com/modal-labs/modal-client/pull/2797 and nvidia-smi listings in public repositories. Of this total
# CUDA itself takes about half a GiB: the reserve of the verdict is for that. A Mac's memory is GB x 1024^3 (sysctl
# hw.memsize) and is shared with the system; Apple publishes no FLOP/s.
# B200: the data sheet says 8 TB/s, the driver's clocks and bus width give 7.67 (github.com/pytorch/ao/pull/4002).
# fmt: off
_NO_RATES: Final = (None, None, None, None)
ACCELERATORS: Final[tuple[Hardware, ...]] = (
    #    name                 title                            MiB  TFLOP/s: fp32, tf32, bf16, fp16   GB/s    source
    _row("b200-180gb",          "NVIDIA B200 180 GB",        183_359, ( None,  None, 2250.0, 2250.0), 8000.0, _B200),
    _row("h200-141gb",          "NVIDIA H200 141 GB",        143_771, ( 67.0, 494.5,  989.0,  989.0), 4800.0, _H200),
    _row("h100-80gb",           "NVIDIA H100 SXM 80 GB",      81_559, ( 67.0, 494.5,  989.0,  989.0), 3350.0, _H100),
    _row("h100-pcie-80gb",      "NVIDIA H100 PCIe 80 GB",     81_559, ( 51.0, 378.0,  756.0,  756.0), 2000.0, _H100),
    _row("a100-80gb",           "NVIDIA A100 SXM 80 GB",      81_920, ( 19.5, 156.0,  312.0,  312.0), 2039.0, _A100),
    _row("a100-40gb",           "NVIDIA A100 SXM 40 GB",      40_960, ( 19.5, 156.0,  312.0,  312.0), 1555.0, _A100),
    _row("v100-32gb",           "NVIDIA V100 SXM2 32 GB",     32_768, ( 15.7,  None,   None,  125.0),  900.0, _V100),
    _row("l40s-48gb",           "NVIDIA L40S 48 GB",          46_068, ( 91.6, 183.0,  362.0,  362.0),  864.0, _L40S),
    _row("l4-24gb",             "NVIDIA L4 24 GB",            23_034, ( 30.3,  60.0,  121.0,  121.0),  300.0, _L4),
    _row("t4-16gb",             "NVIDIA T4 16 GB",            15_360, (  8.1,  None,   None,   65.0),  320.0, _T4),
    _row("rtx-5090-32gb",       "NVIDIA RTX 5090 32 GB",      32_607, (104.8,  None,  209.5,  209.5), 1792.0, _5090),
    _row("rtx-4090-24gb",       "NVIDIA RTX 4090 24 GB",      24_564, ( 82.6,  82.6,  165.2,  165.2), 1008.0, _4090),
    _row("rtx-3090-24gb",       "NVIDIA RTX 3090 24 GB",      24_576, ( 35.6,  35.6,   71.0,   71.0),  936.0, _3090),
    _row("mi300x-192gb",        "AMD Instinct MI300X 192 GB", 196_592, (163.4, 653.7, 1307.4, 1307.4), 5300.0, _MI300X),
    _row("macbook-m4-max-64gb", "MacBook M4 Max 64 GB",        65_536, _NO_RATES,                      546.0, _M4_PRO),
    _row("macbook-m4-pro-24gb", "MacBook M4 Pro 24 GB",        24_576, _NO_RATES,                      273.0, _M4_PRO),
    _row("macbook-m4-16gb",     "MacBook M4 16 GB",            16_384, _NO_RATES,                      120.0, _M4),
    _row("macbook-m3-pro-18gb", "MacBook M3 Pro 18 GB",        18_432, _NO_RATES,                      150.0, _M3_PRO),
)
# fmt: on


def names() -> tuple[str, ...]:
    """The names a RunConfig takes, this machine first; a size such as '24GiB' is taken too."""
    return (THIS_MACHINE, *(row.name for row in ACCELERATORS))


def find(name: str) -> Hardware | None:
    """The row of that name, or one made from a size: 'h100-80gb', '24GiB'; None when it is neither."""
    if name == THIS_MACHINE:
        return Hardware(name=name, title="This machine", memory_bytes=None)
    size = parse_size(name)
    if size is not None:
        return Hardware(name=name, title=name, memory_bytes=size)
    return next((row for row in ACCELERATORS if row.name == name), None)
