"""The `view` command."""

from contextlib import closing, suppress
from typing import Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError

app = typer.Typer()


@app.command("view")
@reports
def view(
    subject: Annotated[
        str, typer.Argument(help="Robot, policy, run, task, experiment or log: a name or a file.", show_default=False)
    ],
    web: Annotated[bool, typer.Option("--web", help="On a page in a browser, in place of a window.")] = False,
    host: Annotated[str, typer.Option(help="Address of the page; others than this machine's can be reached.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 8080,
    idle: Annotated[bool, typer.Option("--idle", help="Act at zero in place of the policy.")] = False,
    robot: Annotated[
        str | None, typer.Option("--robot", help="YAML of a log's robot, where it is not shipped.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of its world; may be repeated.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Look at a robot, a policy, a task or a log as it moves: commands by sliders, what was drawn, contacts and forces.

    A robot's joints follow the sliders. Ctrl-C ends it.

    Example: sim2real view quadruped_walk --web
    """
    try:
        from sim2real.training.view.subject import show_of
    except ModuleNotFoundError as error:
        raise MissingExtraError("view", str(error.name), "train") from error
    show = show_of(subject, idle=idle, robot=robot, overrides=tuple(overrides or ()))
    if web:
        try:
            from sim2real.training.view.page import Page
        except ModuleNotFoundError as error:
            raise MissingExtraError("view --web", str(error.name), "view") from error
        page = Page(show, host, port)
        error_console().print(f"{show.title}: {page.url} (Ctrl-C ends it)", markup=False, soft_wrap=True)
        with closing(page), suppress(KeyboardInterrupt):
            page.run()
        return Outcome({"subject": subject, "title": show.title, "url": page.url}, "")
    from sim2real.training.view.window import KEYS, show_window

    error_console().print(f"{show.title}: {KEYS}", markup=False, soft_wrap=True)
    with suppress(KeyboardInterrupt):
        show_window(show)
    return Outcome({"subject": subject, "title": show.title, "url": None}, "")
