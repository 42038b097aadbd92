"""Singer's tap for Salesforce, unmodified, against a simulated org."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import world


def tap(folder, *arguments):
    """Runs the tap to its end and answers the messages it printed."""
    program = pathlib.Path(sys.executable).parent / "tap-salesforce"
    done = subprocess.run(
        [program, "--config", folder / "config.json", *arguments], env=os.environ, capture_output=True, text=True,
        timeout=300)
    assert done.returncode == 0, done.stderr[-4_000:]
    return done.stdout


def configure(folder, org):
    """Writes the tap's configuration; it replaces the refresh token in it when that is rotated."""
    (folder / "config.json").write_text(json.dumps({
        "refresh_token": org["refreshToken"], "client_id": org["clientId"], "client_secret": org["clientSecret"],
        "start_date": "2020-01-01T00:00:00Z", "api_type": "REST", "select_fields_by_default": True}))


def select(folder, catalog, names):
    """Writes the catalog with these streams selected."""
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["breadcrumb"] == [] and stream["stream"] in names:
                entry["metadata"].update({
                    "selected": True, "replication-method": "INCREMENTAL",
                    "replication-key": entry["metadata"]["valid-replication-keys"][0]})
    (folder / "catalog.json").write_text(json.dumps(catalog))


def messages(output, kind):
    """The messages of a kind."""
    return [message for line in output.splitlines() if (message := json.loads(line))["type"] == kind]


def replicates_and_resumes():
    org = world.make_org("tap-sf", queryPageRows=400, rotatesRefreshTokens=True)
    world.control(
        "POST", "orgs/tap-sf/seed", object="Contact", count=1_500,
        fields={"LastName": "{last} {n}", "Email": "person{n}@tap.example", "Birthdate": "1980-02-29"})
    world.control("POST", "orgs/tap-sf/seed", object="Lead", count=30, fields={"LastName": "L {n}", "Company": "C"})
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        configure(folder, org)
        catalog = json.loads(tap(folder, "--discover"))
        select(folder, catalog, {"Contact", "Lead"})
        output = tap(folder, "--properties", folder / "catalog.json")
        found = {m["record"]["Id"]: m["record"] for m in messages(output, "RECORD") if m["stream"] == "Contact"}
        stored = world.records(org, "Contact")
        world.equal({key: row["Email"] for key, row in found.items()}, {k: v["Email"] for k, v in stored.items()})
        world.equal({row["Birthdate"] for row in found.values()}, {"1980-02-29T00:00:00.000000Z"})
        world.equal(len([m for m in messages(output, "RECORD") if m["stream"] == "Lead"]), 30)

        state = messages(output, "STATE")[-1]["value"]
        (folder / "state.json").write_text(json.dumps(state))
        changed = sorted(stored)[0]
        world.control("POST", "clock", advanceSeconds=60)
        world.control(
            "POST", "orgs/tap-sf/users",
            actions=[{"do": "update", "id": changed, "fields": {"LastName": "Changed"}},
                     {"do": "delete", "id": sorted(stored)[1]}])
        output = tap(folder, "--properties", folder / "catalog.json", "--state", folder / "state.json")
        rows = {m["record"]["Id"]: m["record"] for m in messages(output, "RECORD") if m["stream"] == "Contact"}
        world.equal(rows[changed]["LastName"], "Changed")
        world.equal(rows[sorted(stored)[1]]["IsDeleted"], True)


if __name__ == "__main__":
    world.run(vars(sys.modules["__main__"]))
