"""simple-salesforce, unmodified, against a simulated org."""

import sys

import world
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed, SalesforceExpiredSession, SalesforceMalformedRequest, SalesforceResourceNotFound)


def by_jwt(org):
    """Logs in at login.salesforce.com with the JWT bearer flow."""
    return Salesforce(
        username=org["username"], consumer_key=org["clientId"], privatekey=world.PRIVATE_KEY, version="65.0")


def by_session(org):
    """Takes over a session that somebody else opened."""
    token = world.control("POST", f"orgs/{org['name']}/tokens", do="open")["accessToken"]
    return Salesforce(instance_url=world.URL, session_id=token, version="65.0")


def logs_in_by_jwt():
    org = world.make_org("ss-jwt")
    client = by_jwt(org)
    world.equal(client.sf_instance, world.URL.removeprefix("https://"), "instance")
    world.equal(client.query("SELECT COUNT() FROM Contact")["totalSize"], 0)
    world.equal(world.control("GET", "orgs/ss-jwt/calls")["byClass"], {"query": 1, "token": 1}, "calls")


def is_told_why_a_login_fails():
    org = world.make_org("ss-unapproved", isApproved=False)
    error = world.raises(SalesforceAuthenticationFailed, lambda: by_jwt(org))
    world.equal(error.code, "invalid_app_access")
    error = world.raises(SalesforceAuthenticationFailed, lambda: by_jwt({**org, "username": "nobody@x.example"}))
    world.equal(error.code, "invalid_grant")
    error = world.raises(SalesforceAuthenticationFailed, lambda: by_jwt({**org, "clientId": "unknown"}))
    world.equal(error.code, "invalid_client_id")


def logs_in_by_client_credentials():
    org = world.make_org("ss-credentials")
    session, instance = SalesforceLogin(
        consumer_key=org["clientId"], consumer_secret=org["clientSecret"], domain="acme.my")
    client = Salesforce(instance=instance, session_id=session, version="65.0")
    world.equal(client.query("SELECT Id FROM Lead")["records"], [])


def works_with_a_session_until_it_is_revoked():
    org = world.make_org("ss-session")
    client = by_session(org)
    client.Account.create({"Name": "Acme"})
    world.control("POST", "orgs/ss-session/tokens", do="revoke")
    error = world.raises(SalesforceExpiredSession, lambda: client.Account.create({"Name": "Too late"}))
    world.equal(error.content[0]["errorCode"], "INVALID_SESSION_ID")
    world.equal([record["Name"] for record in world.records(org, "Account").values()], ["Acme"])


def creates_reads_updates_and_deletes():
    org = world.make_org("ss-crud")
    client = by_jwt(org)
    made = client.Contact.create({"LastName": "Ümit", "Email": "u@acme.example", "Birthdate": "1990-04-01"})
    world.equal((made["success"], made["errors"]), (True, []))
    read = client.Contact.get(made["id"])
    world.equal((read["LastName"], read["Birthdate"]), ("Ümit", "1990-04-01"))
    world.equal(read["attributes"]["type"], "Contact")
    world.equal(client.Contact.update(made["id"], {"LastName": "Öz", "Phone": None}), 204)
    gone = client.Contact.create({"LastName": "Gone"})["id"]
    world.equal(client.Contact.delete(gone), 204)
    found = world.records(org, "Contact")
    world.equal({record["LastName"] for record in found.values()}, {"Öz"})
    world.equal(found[made["id"]]["Birthdate"], "1990-04-01")
    world.equal(world.control("GET", f"orgs/ss-crud/records/Contact/{gone}")["IsDeleted"], True)


def upserts_by_external_id():
    org = world.make_org("ss-upsert")
    client = by_jwt(org)
    key = "AC_Contact_Id__c/4711"
    world.equal(client.Contact.upsert(key, {"LastName": "First"}), 201)
    world.equal(client.Contact.upsert(key, {"LastName": "Second"}), 200)
    client.Lead.upsert("AC_Contact_Id__c/4712", {"LastName": "Lee", "Company": "Lee Ltd"})
    world.equal(client.Contact.get_by_custom_id("AC_Contact_Id__c", "4711")["LastName"], "Second")
    people = list(world.records(org, "Contact").values())
    world.equal([(person["LastName"], person["AC_Contact_Id__c"]) for person in people], [("Second", "4711")])
    world.equal(len(world.records(org, "Lead")), 1)


def reads_several_pages():
    org = world.make_org("ss-pages", queryPageRows=500)
    world.control(
        "POST", "orgs/ss-pages/seed", object="Contact", count=4_321,
        fields={"LastName": "{last} {n}", "FirstName": "{first}", "Email": "person{n}@pages.example"})
    client = by_jwt(org)
    everybody = client.query_all("SELECT Id, Email FROM Contact ORDER BY Id")
    world.equal((everybody["totalSize"], everybody["done"]), (4_321, True))
    world.equal([r["Email"] for r in everybody["records"]], [f"person{n}@pages.example" for n in range(1, 4_322)])
    # A query and eight further pages; each is a call.
    world.equal(world.control("GET", "orgs/ss-pages/calls")["byClass"]["query"], 9)
    first = [row["Id"] for row, _ in zip(client.query_all_iter("SELECT Id FROM Contact ORDER BY Id"), range(600))]
    world.equal(first, [r["Id"] for r in everybody["records"]][:600])
    deleted = everybody["records"][7]["Id"]
    client.Contact.delete(deleted)
    world.equal(client.query_all("SELECT Id FROM Contact")["totalSize"], 4_320)
    world.equal(client.query_all("SELECT Id FROM Contact", include_deleted=True)["totalSize"], 4_321)


def describes_objects():
    org = world.make_org("ss-describe")
    world.control("POST", "orgs/ss-describe/fields", object="Lead", name="Score__c", type="number", precision=5)
    client = by_jwt(org)
    names = {entry["name"] for entry in client.describe()["sobjects"]}
    assert {"Contact", "Lead", "Account", "Opportunity"} <= names, names
    fields = {field["name"]: field for field in client.Lead.describe()["fields"]}
    world.equal((fields["Score__c"]["type"], fields["Score__c"]["custom"]), ("double", True))
    world.equal(fields["AC_Contact_Id__c"]["externalId"], True)
    world.control("PATCH", "orgs/ss-describe/fields", object="Lead", name="Score__c", readable=False)
    assert "Score__c" not in {field["name"] for field in client.Lead.describe()["fields"]}


def maps_errors():
    org = world.make_org("ss-errors")
    client = by_jwt(org)
    error = world.raises(SalesforceMalformedRequest, lambda: client.Contact.create({"FirstName": "No last name"}))
    world.equal((error.content[0]["errorCode"], error.content[0]["fields"]), ("REQUIRED_FIELD_MISSING", ["LastName"]))
    error = world.raises(SalesforceMalformedRequest, lambda: client.query("SELECT Nonsense FROM Contact"))
    world.equal(error.content[0]["errorCode"], "INVALID_FIELD")
    error = world.raises(SalesforceMalformedRequest, lambda: client.query("SELECT FROM Contact"))
    world.equal(error.content[0]["errorCode"], "MALFORMED_QUERY")
    error = world.raises(SalesforceResourceNotFound, lambda: client.Contact.get("003000000000000AAA"))
    world.equal(error.content[0]["errorCode"], "NOT_FOUND")
    world.equal(world.records(org, "Contact"), {})


def sees_an_answer_that_was_lost_after_the_write():
    org = world.make_org("ss-lost")
    client = by_jwt(org)
    world.control("POST", "faults", effect="loseAnswer", org="ss-lost", method="POST", callClass="row")
    world.raises(Exception, lambda: client.Account.create({"Name": "Written all the same"}))
    world.equal([record["Name"] for record in world.records(org, "Account").values()], ["Written all the same"])


def sees_the_limit_of_calls():
    org = world.make_org("ss-limit")
    client = by_jwt(org)
    limits = client.limits()["DailyApiRequests"]
    world.equal((limits["Max"], limits["Remaining"]), (115_000, 115_000 - 1))
    world.control("PATCH", "orgs/ss-limit/switches", apiLimit=2)
    client.query("SELECT Id FROM Contact")
    error = world.raises(Exception, lambda: client.query("SELECT Id FROM Contact"))
    world.equal((error.status, error.content[0]["errorCode"]), (403, "REQUEST_LIMIT_EXCEEDED"))
    world.equal(client.api_usage["api-usage"].used, 2)


if __name__ == "__main__":
    world.run(vars(sys.modules["__main__"]))
