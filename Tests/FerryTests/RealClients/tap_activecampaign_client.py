"""Singer's tap for ActiveCampaign, unmodified, against a simulated account."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import world

# The tap wants to see its host resolve to a public address before it calls it. No name server is asked in tests, so
# the process it runs in is told one; the tap itself is as it was published.
LAUNCH = """
import socket, sys
socket.gethostbyname = lambda host: "8.8.8.8"
from tap_activecampaign import main
sys.exit(main())
"""


def tap(folder, *arguments):
    """Runs the tap to its end and answers what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, "--config", folder / "config.json", *arguments], env=os.environ,
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4_000:]
    return done.stdout


def rows(output, stream):
    """The records of a stream."""
    found = [json.loads(line) for line in output.splitlines()]
    return [message["record"] for message in found if message["type"] == "RECORD" and message["stream"] == stream]


def replicates_and_resumes():
    account = world.make_account("tap-ac", timeZone="Australia/Sydney")
    world.control("POST", "accounts/tap-ac/fields", title="Favourite", type="text")
    world.control("POST", "accounts/tap-ac/lists", name="News")
    world.control("POST", "accounts/tap-ac/seed", count=230, fields=["FAVOURITE"], tags=["blue"], ageSeconds=3_600)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "config.json").write_text(json.dumps({
            "api_url": f"https://{account['host']}", "api_token": account["token"],
            "start_date": "2020-01-01T00:00:00Z", "user_agent": "scenario"}))
        catalog = json.loads(tap(folder, "--discover"))
        wanted = {"contacts", "tags", "lists", "contact_custom_fields"}
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if entry["breadcrumb"] == []:
                    entry["metadata"]["selected"] = stream["stream"] in wanted
                elif stream["stream"] in wanted and entry["metadata"].get("inclusion") == "available":
                    entry["metadata"]["selected"] = True
        (folder / "catalog.json").write_text(json.dumps(catalog))
        output = tap(folder, "--catalog", folder / "catalog.json")
        world.equal({row["email"] for row in rows(output, "contacts")}, set(world.contacts(account)))
        world.equal([row["tag"] for row in rows(output, "tags")], ["blue"])
        world.equal([row["name"] for row in rows(output, "lists")], ["News"])
        world.equal([row["perstag"] for row in rows(output, "contact_custom_fields")], ["FAVOURITE"])

        state = [json.loads(line) for line in output.splitlines() if '"STATE"' in line][-1]["value"]
        (folder / "state.json").write_text(json.dumps(state))
        world.control("POST", "clock", advanceSeconds=60)
        world.control(
            "POST", "accounts/tap-ac/people",
            actions=[{"do": "edit", "contact": "person7@tap-ac.example", "firstName": "Changed"}])
        output = tap(folder, "--catalog", folder / "catalog.json", "--state", folder / "state.json")
        changed = {row["email"]: row["first_name"] for row in rows(output, "contacts")}
        world.equal(changed["person7@tap-ac.example"], "Changed")
        assert len(changed) < 10, f"the tap read {len(changed)} contacts again"


if __name__ == "__main__":
    world.run(vars(sys.modules["__main__"]))
