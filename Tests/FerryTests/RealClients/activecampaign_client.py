"""activecampaign-python, unmodified, against a simulated account."""

import sys

import world
from activecampaign.client import Client


def client_of(account):
    """The client, calling the account by its own host name."""
    return Client(f"https://{account['host']}", account["token"])


def is_who_the_key_says():
    client = client_of(world.make_account("ac-me"))
    assert client.users.retrieve_logged_in_user()["user"]["email"], "no address"
    stranger = Client("https://ac-me.api-us1.com", "0" * 64)
    world.equal(stranger.users.retrieve_logged_in_user(), {"message": "Forbidden"})


def creates_updates_and_deletes_contacts():
    account = world.make_account("ac-crud")
    client = client_of(account)
    world.control("POST", "accounts/ac-crud/fields", title="Favourite", type="text")
    made = client.contacts.create_a_contact(
        {"contact": {"email": "Ada@x.example", "firstName": "Ada", "fieldValues": [{"field": "1", "value": "tea"}]}})
    again = client.contacts.create_a_contact({"contact": {"email": "ada@X.example"}})
    world.equal(again["errors"][0]["code"], "duplicate")
    number = made["contact"]["id"]
    client.contacts.update_a_contact(number, {"contact": {"lastName": "Lovelace"}})
    synced = client.contacts.create_or_update_contact({"contact": {"email": "ada@x.example", "phone": "+1"}})
    world.equal(synced["contact"]["id"], number)
    gone = client.contacts.create_a_contact({"contact": {"email": "gone@x.example"}})["contact"]["id"]
    world.equal(client.contacts.delete_a_contact(gone), {})
    world.equal(
        client.contacts.retrieve_a_contact(gone)["message"], f"No Result found for Subscriber with id {gone}")
    (left,) = world.contacts(account).values()
    world.equal(
        (left["firstName"], left["lastName"], left["phone"], left["fields"]),
        ("Ada", "Lovelace", "+1", {"FAVOURITE": "tea"}))


def reads_pages_of_contacts():
    account = world.make_account("ac-pages")
    world.control("POST", "accounts/ac-pages/seed", count=250)
    client = client_of(account)
    first = client.contacts.list_all_contacts()
    world.equal((len(first["contacts"]), first["meta"]["total"]), (20, "250"))
    addresses, after = [], 0
    while page := client.contacts.list_all_contacts(**{"limit": 100, "id_greater": after, "orders[id]": "ASC"})[
            "contacts"]:
        addresses += [contact["email"] for contact in page]
        after = page[-1]["id"]
    world.equal(addresses, [f"person{n}@ac-pages.example" for n in range(1, 251)])


def tags_and_lists():
    account = world.make_account("ac-tags")
    client = client_of(account)
    number = client.contacts.create_a_contact({"contact": {"email": "t@x.example"}})["contact"]["id"]
    tag = client.tags.create_a_tag({"tag": {"tag": "blue", "tagType": "contact", "description": ""}})["tag"]["id"]
    client.contacts.add_a_tag_to_contact({"contactTag": {"contact": number, "tag": tag}})
    world.equal(world.contacts(account)["t@x.example"]["tags"], ["blue"])
    held = client.contacts.retrieve_contact_tags(number)["contactTags"]
    client.contacts.remove_a_tag_from_a_contact(held[0]["id"])
    made = client.lists.create_a_list(
        {"list": {"name": "News", "stringid": "news", "sender_url": "https://x.example", "sender_reminder": "You asked"}})
    client.contacts.update_list_status_for_a_contact(
        {"contactList": {"list": made["list"]["id"], "contact": number, "status": 1}})
    person = world.contacts(account)["t@x.example"]
    world.equal((person["tags"], person["lists"]), ([], {made["list"]["id"]: 1}))


def sees_deals_and_webhooks():
    account = world.make_account("ac-deals")
    client = client_of(account)
    number = client.contacts.create_a_contact({"contact": {"email": "d@x.example"}})["contact"]["id"]
    hook = client.webhooks.create_a_webhook(
        {"webhook": {"name": "h", "url": "https://hooks.example.com/h", "events": ["update"], "sources": ["api"]}})
    world.equal(client.webhooks.retrieve_a_webhook(hook["webhook"]["id"])["webhook"]["events"], ["update"])
    client.webhooks.delete_a_webhook(hook["webhook"]["id"])
    world.equal(client.webhooks.list_all_webhooks()["webhooks"], [])
    # The client's own call for this takes no data; the one beneath it does.
    group = client._post("/dealGroups", json={"dealGroup": {"title": "Sales", "currency": "usd"}})["dealGroup"]["id"]
    deal = client.deals.create_a_deal(
        {"deal": {"contact": number, "title": "Big", "value": 4500, "currency": "usd", "group": group, "owner": "1"}})
    world.equal(client.deals.retrieve_a_deal(deal["deal"]["id"])["deal"]["value"], "4500")


def is_told_to_slow_down():
    account = world.make_account("ac-slow", rateLimit=5)
    client = client_of(account)
    answers = [client.contacts.list_all_contacts(limit=1) for _ in range(12)]
    refused = [answer for answer in answers if answer.get("message") == "Too Many Requests"]
    assert refused, answers
    world.equal(world.control("GET", "accounts/ac-slow/calls")["limited"], len(refused))


if __name__ == "__main__":
    world.run(vars(sys.modules["__main__"]))
