"""A JupyterLab of its own, and a notebook open in it, as the browser's stories use them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from playwright.sync_api import expect

TOKEN = "browser-test"  # noqa: S105 - of a server that lives for one test run
_STARTS_WITHIN_S = 60
_PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}  # covers a corner
_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
# A prompt with a number in every code cell, and the kernel idle. textContent, because the innerText of a cell that is
# scrolled away is empty; the status bar, because a notebook's own indicator says idle before there is a kernel.
_HAS_RUN = """(count) => {
    const prompts = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')]
        .map(cell => cell.querySelector('.jp-InputArea-prompt')?.textContent ?? '');
    const idle = [...document.querySelectorAll('.jp-StatusBar-TextItem')].some(e => / \\| Idle/.test(e.textContent));
    return idle && prompts.length >= count && prompts.every(text => /\\[\\d+\\]/.test(text));
}"""


class Lab:
    """A JupyterLab server on a free port of this machine, with a home and a notebook folder of its own.

    Parameters
    ----------
    folder : Path
        Empty; everything that Jupyter and stlkit write goes into it.
    """

    def __init__(self, folder: Path) -> None:
        self.home, self.notebooks = folder / "home", folder / "notebooks"
        (self.home / "config" / "labconfig").mkdir(parents=True)
        self.notebooks.mkdir()
        (self.home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(_PAGE_CONFIG))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._address = f"127.0.0.1:{port}"
        self.url = f"http://{self._address}"
        self._log = (self.home / "lab.log").open("w")
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
            "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.extension_manager=readonly",
        ]  # fmt: skip
        self._server = subprocess.Popen(
            command, env=self._environment(), stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT
        )
        self._await_answer()

    def _environment(self):
        places = {
            "HOME": self.home,
            "JUPYTER_CONFIG_DIR": self.home / "config",
            "JUPYTER_DATA_DIR": self.home / "data",
            "JUPYTER_RUNTIME_DIR": self.home / "runtime",
            "IPYTHONDIR": self.home / "ipython",
        }
        return {**os.environ, **{name: str(place) for name, place in places.items()}, "JUPYTER_PLATFORM_DIRS": "1"}

    def _await_answer(self):
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                self.ask("api")
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
            else:
                return
        self.close()
        raise RuntimeError(f"JupyterLab did not start:\n{(self.home / 'lab.log').read_text()[-4000:]}")

    def ask(self, path, *, method="GET", content=None):
        """Send a request to the server's interface, and return what it answers."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            body = None if content is None else json.dumps(content)
            connection.request(method, f"/{path}", body, headers={"Authorization": f"token {TOKEN}"})
            return json.loads(connection.getresponse().read() or "null")
        finally:
            connection.close()

    def choose_theme(self, name):
        """Have pages that open from now on look so; None for JupyterLab's own choice."""
        raw = "{}" if name is None else json.dumps({"theme": name, "adaptive-theme": False})
        self.ask("lab/api/settings/@jupyterlab/apputils-extension:themes", method="PUT", content={"raw": raw})

    def end_kernels(self):
        """End every kernel, and so whatever the notebooks have begun."""
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", method="DELETE")

    def close(self):
        """End the server and its kernels."""
        self._server.terminate()
        try:
            self._server.wait(30)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._log.close()


class Notebook:
    """A notebook that is open in a page.

    Parameters
    ----------
    page : playwright Page
    lab : Lab
    cells : sequence of str
        Source of its code cells.
    name : str
        Of the file.
    """

    def __init__(self, page, lab, cells, name="story.ipynb"):
        self.page, self._lab, self._name, self._count = page, lab, name, len(cells)
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells], metadata={"kernelspec": _KERNEL}
        )
        nbformat.write(notebook, lab.notebooks / name)

    def open(self):
        """Show it in the page, once its kernel is ready."""
        self.page.goto(f"{self._lab.url}/lab/tree/{self._name}?reset&token={TOKEN}")
        self.page.locator(".jp-Notebook").wait_for()
        self.page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for(timeout=60_000)
        return self

    def run_all(self, timeout_s=120):
        """Run every cell and wait until all of them have ended."""
        self.menu("Run", "Run All Cells")
        self.wait_idle(timeout_s)

    def wait_idle(self, timeout_s=120):
        """Wait until every cell has run."""
        self.page.wait_for_function(_HAS_RUN, arg=self._count, timeout=timeout_s * 1000)

    def menu(self, *names):
        """Choose an entry of JupyterLab's menu bar."""
        self.page.locator("#jp-MainMenu").get_by_role("menuitem", name=names[0], exact=True).click()
        for name in names[1:]:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()

    def use_theme(self, name):
        """Have JupyterLab show itself in a theme, ``JupyterLab Dark`` or ``JupyterLab Light``; it keeps it."""
        self.page.locator("#jp-MainMenu").get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.locator(".lm-Menu").get_by_text("Theme", exact=True).hover()
        self.page.locator(".lm-Menu").get_by_role("menuitem", name=name, exact=True).click()
        light = str(name.endswith("Light")).lower()
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)

    def restart_kernel(self):
        """Restart the kernel as a person does, and wait until the new one is ready."""
        self.menu("Kernel", "Restart Kernel…")
        self.page.locator(".jp-Dialog").locator("button.jp-mod-accept").click()
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        self.page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for(timeout=60_000)
