"""Draw one Vega-Lite specification as SVG or PDF, as a process: JSON comes in, the picture goes out.

python -m core.ui.svg [pdf] < specification.json > picture.svg

vl-convert (github.com/vega/vl-convert) draws, without a network. Its JavaScript engine takes about 80 MB and keeps more
with every chart, so it lives in a process that ends with the picture; `core.ui.saving` starts it.
"""

import json
import sys

import vl_convert


def main() -> None:
    """No address outside may be asked for anything."""
    chart = json.load(sys.stdin.buffer)
    if "pdf" in sys.argv[1:]:
        sys.stdout.buffer.write(vl_convert.vegalite_to_pdf(chart, allowed_base_urls=[]))
    else:
        sys.stdout.buffer.write(vl_convert.vegalite_to_svg(chart, allowed_base_urls=[]).encode())


if __name__ == "__main__":
    main()
