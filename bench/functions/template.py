"""A template that is compiled at the top level and rendered in each execution."""

import json

import jinja2

TEMPLATE = jinja2.Environment(autoescape=True).from_string('{"result": {{ number * 2 }}}')


def handler(event):
    return json.loads(TEMPLATE.render(number=event["input"]))
