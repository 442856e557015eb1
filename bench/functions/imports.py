"""The trivial handler behind a heavy top level: jinja2, and twenty modules of the standard library."""

# ruff: noqa: F401

import argparse
import ast
import base64
import calendar
import configparser
import csv
import dataclasses
import decimal
import difflib
import email.message
import fractions
import html.parser
import ipaddress
import logging
import pprint
import statistics
import string
import urllib.parse
import uuid
import xml.etree.ElementTree

import jinja2


def handler(event):
    return {"result": event["input"] * 2}
