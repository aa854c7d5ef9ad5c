"""Take the README's pictures of Play: a still one and a short moving one, in a real browser on an empty home.

    python -m benchmarks.pictures          writes assets/screenshot.png and assets/play.webp; about a minute

adv-KIP plays, then ε is dragged up and down again, then a point of the data is dragged. Frames are screenshots one
after the other, so the moving picture is as smooth on a busy machine as on an idle one, and tells nothing of the pace.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from browser import find

ROOT = Path(__file__).resolve().parents[1]
STILL, MOVING = ROOT / "assets" / "screenshot.png", ROOT / "assets" / "play.webp"
SIZE: ViewportSize = {"width": 1280, "height": 820}  # CSS pixels of the window
WIDTH = 900  # pixels of the moving picture
FRAME_MS, PAUSE_MS = 130, 900
MOST_BYTES = 2_000_000
PLAYED, DRAGGED, MOVED = 16, 8, 9  # frames of each part
RAISED = 0.16  # ε at the end of its drag
APP = """(play, value) => { const app = play.getRootNode().app; return EXPRESSION; }"""


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="ballast-pictures-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    options = ["--server.address", "127.0.0.1", "--server.headless", "true", "--server.fileWatcherType", "none"]
    server = subprocess.Popen([*command, *options], cwd=ROOT, env={**os.environ, "BALLAST_HOME": str(home)})
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            opened(page, f"http://127.0.0.1:{port}", server)
            frames = [*playing(page), *dragging(page), *moving(page)]
            browser.close()
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(home, ignore_errors=True)
    save(frames)


def opened(page: Page, url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait for the server, then for the first page to be drawn."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
        except OSError:
            page.wait_for_timeout(200)
        else:
            break
    page.goto(url)
    page.locator("canvas.picture").wait_for(timeout=120_000)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")


def playing(page: Page) -> Iterator[Image.Image]:
    """adv-KIP learns, and is stopped before it ends; the last frame is the still picture."""
    for _ in range(PLAYED):
        yield taken(page)
        page.wait_for_timeout(120)
    if (pause := page.get_by_role("button", name="Pause")).count():
        pause.click()
    rest(page)
    page.screenshot(path=STILL)


def dragging(page: Page) -> Iterator[Image.Image]:
    """ε goes up and comes back, by the mouse."""
    slider = page.locator("[name=eps]")
    box = slider.bounding_box()
    assert box is not None
    low, high = (float(slider.input_value()), RAISED)
    ends = [*(low + (high - low) * i / DRAGGED for i in range(DRAGGED + 1))]
    for number, eps in enumerate([*ends, *reversed(ends[:-1])]):
        page.mouse.move(box["x"] + 8 + (box["width"] - 16) * eps / 0.3, box["y"] + box["height"] / 2)
        if not number:
            page.mouse.down()
        yield taken(page)
    page.mouse.up()
    rest(page)


def moving(page: Page) -> Iterator[Image.Image]:
    """A point of the data goes to the other class's side, and everything follows."""
    x, y = ask(page, "Array.from(app.train.xy.slice(0, 2))")
    for number in range(MOVED + 1):
        part = number / MOVED
        at = x + (0.55 - x) * part, y + (0.35 - y) * part
        page.mouse.move(*(place(page, *at)))
        if not number:
            page.mouse.down()
        yield taken(page)
    page.mouse.up()
    rest(page)
    yield taken(page)


def ask(page: Page, expression: str, value: object = None) -> list[float]:
    """Evaluate with `app`, the running Play, and `value` in scope."""
    found: list[float] = page.locator(".play").evaluate(APP.replace("EXPRESSION", expression), value)
    return found


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the unit square is on the screen."""
    box = page.locator("canvas.picture").bounding_box()
    assert box is not None
    left, top = ask(page, "[app.plane.toX(value[0]), app.plane.toY(value[1])]", [x, y])
    return box["x"] + left, box["y"] + top


def rest(page: Page) -> None:
    """Wait until Play has nothing left to compute."""
    page.wait_for_function("""() => [...document.querySelectorAll("*")].some(
      (e) => e.shadowRoot?.app && !e.shadowRoot.app.frame && !e.shadowRoot.app.pending())""")


def taken(page: Page) -> Image.Image:
    """The window now, at the size of the moving picture."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return picture.resize((WIDTH, round(WIDTH * picture.height / picture.width)), Image.Resampling.LANCZOS)


def save(frames: list[Image.Image]) -> None:
    """Write the moving picture; the last frame stands a while. AssertionError where it is too large for a README."""
    times = [FRAME_MS] * (len(frames) - 1) + [PAUSE_MS]
    frames[0].save(MOVING, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=70, method=4)
    size = MOVING.stat().st_size
    assert size < MOST_BYTES, f"the moving picture has {size:,} bytes"
    print(f"{len(frames)} frames, {size:,} bytes; {STILL.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
