"""What a page says reaches its widget, whatever became of the page before it."""

import queue
import time

import pytest
from jupyter_client.manager import start_new_kernel

TIMEOUT_S = 60
CODE = """
import stlkit, stlkit_widgets
ws, MODEL = stlkit.Workspace({home!r}), {model!r}
part = stlkit_widgets.{part}
print(part.comm.comm_id)
"""


@pytest.fixture
def kernel():
    """The client of a kernel of its own."""
    manager, client = start_new_kernel(startup_timeout=TIMEOUT_S)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def shown_by(kernel, code):
    """Run a cell, and return what it printed."""
    printed = []
    reply = kernel.execute_interactive(
        code, timeout=TIMEOUT_S, output_hook=lambda told: printed.append(told["content"])
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(content.get("text", "") for content in printed).strip()


def on_control(kernel, what, **content):
    """Ask on the control channel, and return the answer."""
    asked = kernel.session.msg(what, content)
    kernel.control_channel.send(asked)
    while (told := kernel.get_control_msg(timeout=TIMEOUT_S))["parent_header"]["msg_id"] != asked["msg_id"]:
        pass
    return told["content"]


def say(kernel, comm_id, data, subshell_id):
    """Say something to a widget as a page does, and return the kernel's messages until it is done with that."""
    said = kernel.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
    said["header"]["subshell_id"] = subshell_id
    kernel.shell_channel.send(said)
    told, deadline = [], time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            message = kernel.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if message["parent_header"].get("msg_id") == said["msg_id"]:
            told.append(message)
            if message["content"].get("execution_state") == "idle":
                return told
    raise TimeoutError(f"nothing came back but {told}")


def asks(**content):
    return {"method": "custom", "content": content}


def sets(**state):
    return {"method": "update", "state": state, "buffer_paths": []}


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("QueuePanel(ws).table", asks(do="hello"), asks(do="hello")),
        ("QueuePanel(ws)._tabs", sets(selected_index=1), sets(selected_index=2)),
        ("Dashboard(ws)._tabs", sets(selected_index=3), sets(selected_index=2)),
        ("Previewer(MODEL)", asks(do="view", name="top"), asks(do="view", name="front")),
        ("Previewer(MODEL)._scene.picker", sets(point=[0, 0, 1]), sets(point=[0, 1, 0])),
    ],
)
def test_a_page_is_heard_after_another_one_was_closed(kernel, tmp_path, models, part, before, after):
    """A widget that spoke last to a page that is gone hears the next one all the same."""
    code = CODE.format(home=str(tmp_path / "home"), model=str(models / "cube.stl"), part=part)
    comm_id = shown_by(kernel, code)
    subshell_id = on_control(kernel, "create_subshell_request")["subshell_id"]
    assert "comm_msg" in [each["msg_type"] for each in say(kernel, comm_id, before, subshell_id)]
    assert on_control(kernel, "delete_subshell_request", subshell_id=subshell_id)["status"] == "ok"
    assert "comm_msg" in [each["msg_type"] for each in say(kernel, comm_id, after, None)]
