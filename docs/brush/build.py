"""Put the page with a brush into the built site, run by the visitor's browser.

python docs/brush/build.py [NETWORK.onnx]     after the site itself; `make docs` does both

The page is farfill-app's own, with another backend. onnxruntime-web comes from npm, in the version
and with the checksums of package-lock.json. If it or the network is missing, the page says so.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import farfill
from farfill.data.sample import Sample

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = Path(farfill.__file__).parent / "app" / "page"
MODEL, RUNTIME = "farfill.onnx", "ort.wasm.min.js"
FILES = (RUNTIME, "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


def build(site: Path, network: Path | None, packages: Path) -> str | None:
    """Write the page into the folder ``site``, and say in a sentence what it lacks, if anything.

    Args:
        site: Made if it is not there.
        network: Of inputs ``image`` and ``mask``: an ONNX file with all in it.
        packages: Folder that npm fills, and that is taken as it is where it is filled.
    """
    shutil.copytree(PAGE, site, dirs_exist_ok=True)
    missing = None
    if network is None:
        missing = "This page was built without a network: make docs ARGS=farfill.onnx puts one in."
    else:
        shutil.copy(network, site / MODEL)
        missing = _runtime(site, packages)
    example = Sample(val=["coffee"], resize=None, cache=False).split(train=False).val[0]
    shutil.copy(example, site / example.name)
    built = {"model": MODEL, "runtime": RUNTIME, "example": example.name, "missing": missing}
    backend = (HERE / "backend.js").read_text(encoding="utf-8")
    (site / "backend.js").write_text(f"const built = {json.dumps(built)};\n{backend}", "utf-8")
    return missing


def _runtime(site: Path, packages: Path) -> str | None:
    packages.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, packages)
    files = [packages / "node_modules" / "onnxruntime-web" / "dist" / name for name in FILES]
    if not all(file.is_file() for file in files):
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            subprocess.run(command, cwd=packages, check=True, capture_output=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"{' '.join(command)}: {error}", file=sys.stderr)
            return "This page was built without onnxruntime-web, which npm did not give."
    for file in files:
        shutil.copy(file, site)
    return None


if __name__ == "__main__":
    given = next(map(Path, sys.argv[1:]), None)
    if given is not None and not given.is_file():
        sys.exit(f"farfill: {given} is not there: name a network's ONNX file, or none")
    folder = ROOT / "build"
    missing = build(folder / "docs" / "brush", given, folder / "npm")
    print(f"Page with a brush: {missing or 'complete'}")
