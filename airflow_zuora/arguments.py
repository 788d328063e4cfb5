"""
Arguments of operators and sensors, which may be known when the DAG is parsed or only when the task runs.

What is known is checked at once. What comes from a template, an XCom or a mapping is checked when the task
runs; a value that was given and is missing then is an error, so that no check is skipped unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.texts import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Check = Callable[[Any, str], object]  # of a value, and the argument's name for the error


class NotGiven(str):
    """The default of an argument; a string, because Airflow serializes template fields."""

    __slots__ = ()


NOT_GIVEN: Any = NotGiven("<not given>")
ANY = "*"  # for a form: whichever it is; neither an id nor a name in Zuora can be that
MISSING = (None, "", "None")  # the last is what a template makes of None
# Where a template begins, by the settings of Jinja that say so.
BEGINNINGS: dict[str, str | None] = {
    "variable_start_string": "{{",
    "block_start_string": "{%",
    "comment_start_string": "{#",
    "line_statement_prefix": None,
    "line_comment_prefix": None,
}


class CheckedArguments:
    """Mixin of operators and sensors: knows which arguments were given, and how each is checked."""

    def argument(self, name: str, value: Any, check: Check, default: Any = None) -> Any:
        """
        Take an argument of the constructor, to be stored as the attribute of its name.

        :param name: The argument's name.
        :param value: Its value; ``NOT_GIVEN`` without one.
        :param check: Is called with value and name, and raises :class:`ZuoraValueError` for a wrong value.
        :param default: The attribute's value where none is given. ``None`` also means that the DAG's author
            may write ``None`` for that.
        :raises ZuoraValueError: If the value is known already, and missing or wrong.
        """
        self._check_not_set_on_mapped_task(name)
        self._all_checks[name] = check
        if isinstance(value, NotGiven):
            return default
        if value is None and default is None and not self._comes_from_mapping(name, value):
            return None
        self._checks[name] = check
        if self._is_known(name, value):
            _checked(name, value, check)
        return value

    def is_given(self, *names: str) -> bool:
        """Whether at least one of some arguments has, or will have, a value."""
        return any(name in self._checks for name in names)

    def value(self, name: str) -> Any:
        """
        Return an argument in a running task.

        :raises ZuoraValueError: If it was given, and is missing or wrong.
        """
        value = getattr(self, name)
        return _checked(name, value, self._checks[name]) if name in self._checks else value

    def choice(self, name: str) -> Any:
        """Return an argument as :meth:`value` does, and ``None`` for ``*``, which means any."""
        value = self.value(name)
        return None if value == ANY else value

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], context: Any, jinja_env: Any, seen_oids: set[int]
    ) -> None:
        """
        Check the arguments as soon as Airflow has rendered them, of a mapped task too.

        Next, Airflow stores them as JSON, which has no infinity: what digits with an ``e`` may become.
        """
        fields = {name: getattr(self, name) for name in template_fields} if parent is self else {}
        if self._is_mapped_over_rows:
            # Airflow takes what other tasks hand out as rows for templates, but it is data.
            seen_oids.update(id(value) for name, value in fields.items() if self._comes_from_row(name, value))
        templates = {name: value for name, value in fields.items() if id(value) not in seen_oids}
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, seen_oids)  # type: ignore[misc]  # of the operator
        if parent is not self:
            return
        # What was set as an attribute later counts as given too.
        self._checks.update((name, check) for name, check in self._all_checks.items() if fields.get(name))
        for name in self._checks:
            if self._is_native and name in templates:
                setattr(self, name, self._as_written(templates[name], getattr(self, name), context))
            setattr(self, name, self.value(name))

    def _as_written(self, template: Any, rendered: Any, context: Any) -> Any:
        """Return the text of what ``render_template_as_native_obj`` has read as a number or the like."""
        if isinstance(template, (list, tuple)):
            return [self._as_written(*pair, context) for pair in zip(template, rendered, strict=True)]
        if not isinstance(template, str) or isinstance(rendered, (list, tuple, dict, type(None))):
            return rendered
        plain = self._parsed_dag().get_template_env(force_sandboxed=True)
        return plain.from_string(template).render(context)

    @property
    def _is_native(self) -> bool:
        """Whether Airflow makes numbers of templates; from Airflow 3.2 on, a task has this setting too."""
        owners = (self, self._parsed_dag())
        settings = (getattr(owner, "render_template_as_native_obj", None) for owner in owners)
        return bool(next((one for one in settings if one is not None), False))

    @property
    def _checks(self) -> dict[str, Check]:
        """The checks of the arguments that were given."""
        checks: dict[str, Check] = vars(self).setdefault("_argument_checks", {})
        return checks

    @property
    def _all_checks(self) -> dict[str, Check]:
        """The checks of all arguments."""
        checks: dict[str, Check] = vars(self).setdefault("_all_argument_checks", {})
        return checks

    def _is_known(self, name: str, value: Any) -> bool:
        """Whether Airflow will leave a value as it is, whatever the delimiters of the DAG's templates."""
        if name not in getattr(self, "template_fields", ()):
            return True
        if isinstance(value, (list, tuple)):
            return all(self._is_known(name, item) for item in value)
        if not isinstance(value, str):
            return not callable(value) and not hasattr(value, "resolve")  # as the output of a task has
        settings = {**BEGINNINGS, **(getattr(self._parsed_dag(), "jinja_environment_kwargs", None) or {})}
        return not any(settings[name] and settings[name] in value for name in BEGINNINGS)

    def _comes_from_mapping(self, name: str, value: Any) -> bool:
        """Whether an argument comes, or may come, from ``expand()`` or ``expand_kwargs()``."""
        task = self._mapped_task
        if task is None:
            return False
        if isinstance(task.expand_input.value, Mapping):
            return name in task.expand_input.value
        # Which names expand_kwargs() brings is not known here; with strict=False, those of partial() too.
        return name not in task.partial_kwargs or bool(task.partial_kwargs[name] != value)

    def _comes_from_row(self, name: str, value: Any) -> bool:
        """Whether a value comes from ``expand_kwargs()``, and not from ``partial()`` or default arguments."""
        owners = (self._parsed_dag(), getattr(self, "task_group", None))
        is_default = any(_default_args(owner).get(name) == value for owner in owners)
        return self._comes_from_mapping(name, value) and not is_default

    @property
    def _is_mapped_over_rows(self) -> bool:
        """Whether other tasks hand out the arguments, as rows of ``expand_kwargs()``."""
        rows = self._mapped_task.expand_input.value if self._mapped_task else {}
        is_literal = isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows)
        return not (is_literal or isinstance(rows, Mapping))

    def check_not_replaced(self, name: str, value: Any) -> None:
        """
        Check that a row of another task, which may be forged, leaves an argument as the DAG gives it.

        :raises ZuoraValueError: If ``partial()`` or default arguments give another value.
        """
        if not self._is_mapped_over_rows:
            return
        task = self._mapped_task
        given = {**_default_args(task.dag), **_default_args(task.task_group), **task.partial_kwargs}
        if name in given and value != given[name]:
            raise ZuoraValueError(
                f"{name} is given by partial() or default_args: leave it out of the rows of expand_kwargs()"
            )

    def check_dag(self, arguments: Mapping[str, Any]) -> None:
        """
        Refuse a ``dag`` without this task.

        Airflow takes it from a row of ``expand_kwargs()`` too. Without its own DAG, a task would not know
        that it is mapped over rows, and that their values are data.

        :raises ZuoraValueError: If the arguments of a constructor contain one.
        """
        found = getattr(arguments.get("dag"), "task_dict", {}).get(getattr(self, "task_id", None))
        if "dag" in arguments and found is not self and not hasattr(found, "expand_input"):
            raise ZuoraValueError(
                f"dag is {shorten(arguments['dag'])}: leave it out, also of the rows of expand_kwargs()"
            )

    def _check_not_set_on_mapped_task(self, name: str) -> None:
        if name in getattr(self._mapped_task, "__dict__", {}):
            raise ZuoraValueError(
                f"{name} was set on a mapped task, and Airflow ignores that: give it to partial() or expand()"
            )

    @property
    def _mapped_task(self) -> Any:
        """The mapped task of which this is an instance, if any."""
        task = getattr(self._parsed_dag(), "task_dict", {}).get(getattr(self, "task_id", None))
        return task if hasattr(task, "expand_input") else None

    def _parsed_dag(self) -> Any:
        get_dag = getattr(self, "get_dag", None)
        return get_dag() if get_dag else None


def check_conn_id(conn_id: Any, name: str) -> None:
    """
    Check the id of an Airflow connection.

    :raises ZuoraValueError: Unless it is a string that is not empty.
    """
    if not isinstance(conn_id, str) or not conn_id:
        raise ZuoraValueError(f"{name} must be the id of an Airflow connection, not {shorten(conn_id)}")


def check_flag(flag: Any, name: str) -> None:
    """
    Accept ``True`` and ``False``.

    :raises ZuoraValueError: If it is anything else.
    """
    if not isinstance(flag, bool):
        raise ZuoraValueError(f"{name} must be True or False, not {shorten(flag)}")


def _default_args(owner: Any) -> Mapping[str, Any]:
    """Return the default arguments of a DAG or a task group, if there is one."""
    return getattr(owner, "default_args", None) or {}


def _checked(name: str, value: Any, check: Check) -> Any:
    value = _as_text(name, value)
    if any(item in MISSING for item in (value if isinstance(value, list) else [value])):
        raise ZuoraValueError(
            f"{name} was given, but it is {shorten(value)}: check the template, XCom or mapping behind it"
        )
    check(value, name)
    return value


def _as_text(name: str, value: Any) -> Any:
    """
    Turn a whole number into the text that it was, and any sequence of values into a list.

    :raises ZuoraValueError: If the text of a number is lost, as with a point or an ``e``.
    """
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_as_text(name, item) for item in value]
    if isinstance(value, float):
        raise ZuoraValueError(
            f"{name} was read as the number {shorten(value)}, and digits may be lost: return it as a string"
        )
    if type(value) is not int:
        return value
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        raise ZuoraValueError(f"{name} is a number with too many digits: return it as a string") from None
