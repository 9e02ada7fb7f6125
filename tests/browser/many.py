"""Ten thousand jobs in a notebook: the cells, for the story that uses them and for the benchmark that times them."""

QUEUE = """
import stlkit, stlkit_widgets
from pathlib import Path
from stlkit.model.geometry import encode_binary_stl
from stlkit.samples.mechanical import calibration_cube
folder = Path({folder!r})
data = encode_binary_stl(calibration_cube())
(folder / "many").mkdir()
for number in range(10_000):
    (folder / "many" / f"part_{{number:04}}.stl").write_bytes(data)
ws = stlkit.Workspace(folder / "home-of-many", output=folder / "out")
ws.queue.use_template(ws.templates.load_template("batch_analysis"))
ws.queue.configure(settings={{"max_concurrent_jobs": 4}})
len(ws.queue.add(folder / "many").jobs)
"""
SHOW = "panel = stlkit_widgets.QueuePanel(ws)\npanel"
ACT = """async (label) => {
    const line = document.querySelector('.sk-body [aria-rowindex="9"]');
    const word = () => line.querySelector('.sk-state span').textContent;
    const frame = () => new Promise(requestAnimationFrame);
    line.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));
    const before = word();
    const began = performance.now();
    document.querySelector(`.sk-actions [aria-label="${label}"]`).click();
    let frames = 0;
    for (; word() === before; frames += 1) await frame();
    const shown = Math.round(performance.now() - began);
    while (word().endsWith('…')) await frame();
    return {frames, shown, done: Math.round(performance.now() - began), word: word()};
}"""
"""Presses a button for the eighth job: after how many frames its row shows it, and in how many ms; then its state."""
