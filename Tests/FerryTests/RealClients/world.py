"""The simulated world as a scenario sees it: a running `ferry simulate --tls` behind its control interface.

The process's standard input is not used; FERRY_SIMULATOR holds what `ferry simulate --json` printed.
"""

import json
import os
import ssl
import sys
import traceback
import urllib.error
import urllib.request

STARTED = json.loads(os.environ["FERRY_SIMULATOR"])
URL = STARTED["url"]
CA_FILE = STARTED["caFile"]
PRIVATE_KEY = STARTED["salesforcePrivateKey"]

# Clients find the providers' own names through the tunnel, and everything else on this machine directly.
os.environ.update(
    HTTPS_PROXY=STARTED["tunnelURL"], NO_PROXY="127.0.0.1,localhost", REQUESTS_CA_BUNDLE=CA_FILE,
    SSL_CERT_FILE=CA_FILE)


def control(method, path, /, **body):
    """Calls the control interface and answers its JSON."""
    request = urllib.request.Request(
        f"{URL}/_control/{path}", method=method, data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {STARTED['controlToken']}"})
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=CA_FILE)))
    try:
        with direct.open(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None


def make_account(name, **options):
    """A new ActiveCampaign account without the limit of calls a second, unless an option says otherwise."""
    made = control("POST", "accounts", name=name, options={"rateLimit": None, **options})
    return made["accounts"][0]


def make_org(name, **options):
    """A new Salesforce org."""
    return control("POST", "orgs", name=name, options=options)["orgs"][0]


def records(org, kind):
    """Every live record of an object, by id."""
    found, after = {}, -1
    while after is not None:
        page = control("GET", f"orgs/{org['name']}/records/{kind}?after={after}&limit=5000")
        found.update({record["id"]: record for record in page["records"]})
        after = page.get("after")
    return found


def contacts(account):
    """Every contact, by address."""
    page = control("GET", f"accounts/{account['name']}/contacts?limit=10000")
    return {contact["email"]: contact for contact in page["contacts"]}


def equal(found, wanted, what=""):
    """Asserts and shows both sides."""
    if found != wanted:
        raise AssertionError(f"{what} found {repr(found)[:500]}, wanted {repr(wanted)[:500]}".strip())


def raises(kind, call):
    """The error of a kind that the call must raise."""
    try:
        result = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {result!r}")


def run(scenarios):
    """Runs the function of a module that the command line names."""
    try:
        scenarios[sys.argv[1]]()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    finally:
        control("DELETE", "faults")
        control("POST", "clock", offsetSeconds=0)
