// jsforce against an org: everything, what is new, and writes of every kind it has.
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import jsforce from "jsforce";

const asked = JSON.parse(readFileSync(process.argv[2], "utf8"));
const loginUrl = "https://acme.my.salesforce.com";
const conn = new jsforce.Connection({
  instanceUrl: loginUrl,
  version: "66.0",
  httpProxy: asked.proxy,
  oauth2: { clientId: asked.auth.client_id, clientSecret: asked.auth.client_secret, loginUrl },
});
conn.bulk2.pollInterval = 100;
await conn.authorize({ grant_type: "client_credentials" });

/** Page after page of a query, over REST. */
async function pages(soql) {
  let page = await conn.query(soql);
  const found = [...page.records];
  while (!page.done) {
    page = await conn.queryMore(page.nextRecordsUrl);
    found.push(...page.records);
  }
  assert.equal(found.length, page.totalSize);
  return found;
}

async function readAll() {
  const { sobjects } = await conn.describeGlobal();
  const names = new Set(sobjects.map((one) => one.name));
  const read = {};
  for (const name of asked.objects) {
    assert(names.has(name), `${name} is not described`);
    const { fields } = await conn.describe(name);
    const columns = fields.filter((f) => f.type !== "address").map((f) => f.name);
    const records = await pages(`SELECT ${columns.join(", ")} FROM ${name}`);
    const stream = await conn.bulk2.query(`SELECT Id FROM ${name}`);
    const ids = (await stream.toArray()).map((row) => row.Id);
    read[name] = records.map((row) => row.Id);
    assert.deepEqual(new Set(ids), new Set(read[name]), `${name} differs between REST and Bulk`);
  }
  const [account] = await pages(
    "SELECT Id, Owner.Name, (SELECT Id FROM Contacts), (SELECT Id FROM Opportunities) FROM Account " +
      "WHERE Id IN (SELECT AccountId FROM Contact) ORDER BY Name LIMIT 1",
  );
  assert(account.Contacts.totalSize > 0 && account.Owner.Name);
  const one = await conn.sobject("Account").retrieve(account.Id);
  assert.equal(one.Id, account.Id);
  return read;
}

async function readSince() {
  const read = {};
  for (const name of asked.objects) {
    const condition = `SystemModstamp >= ${asked.since}`;
    read[name] = (await pages(`SELECT Id FROM ${name} WHERE ${condition}`)).map((row) => row.Id);
  }
  const until = new Date(Date.now() + 60_000).toISOString();
  const { ids } = await conn.sobject("Account").updated(asked.since, until);
  assert(read.Account.every((id) => ids.includes(id)), "getUpdated leaves some out");
  return read;
}

/** A unique key on Contact, made and granted as an administrator's script would. */
async function makeKey() {
  await conn.tooling.create("CustomField", {
    FullName: "Contact.Peer_Key__c",
    Metadata: { label: "Peer key", type: "Text", length: 40, externalId: true, unique: true },
  });
  const [set] = await pages("SELECT Id FROM PermissionSet WHERE IsOwnedByProfile = false LIMIT 1");
  const parent =
    set?.Id ?? (await conn.sobject("PermissionSet").create({ Name: "Peer", Label: "Peer" })).id;
  await conn.sobject("FieldPermissions").create({
    ParentId: parent,
    SobjectType: "Contact",
    Field: "Contact.Peer_Key__c",
    PermissionsRead: true,
    PermissionsEdit: true,
  });
  const { user_id: user } = await conn.identity();
  await conn.sobject("PermissionSetAssignment").create({ PermissionSetId: parent, AssigneeId: user });
}

async function write() {
  const good = (results) => results.filter((one) => one.success).length;
  const tasks = await pages("SELECT Id FROM Task LIMIT 450");
  const updated = good(
    await conn
      .sobject("Task")
      .update(tasks.map(({ Id }) => ({ Id, Priority: "High" })), { allowRecursive: true }),
  );
  assert.equal(updated, tasks.length);

  await makeKey();
  const people = [1, 2, 3].map((n) => ({ Peer_Key__c: `key/${n} &`, LastName: `Peer ${n}` }));
  const made = await conn.sobject("Contact").upsert(people, "Peer_Key__c");
  const again = await conn.sobject("Contact").upsert(people, "Peer_Key__c");
  assert(made.every((one) => one.created) && again.every((one) => one.success && !one.created));
  assert.deepEqual(again.map((one) => one.id), made.map((one) => one.id));

  const created = await conn.sobject("Task").create({ Subject: "Made by a peer" });
  const removed = await conn.sobject("Task").destroy(created.id);
  assert(created.success && removed.success);
  await assert.rejects(conn.sobject("Task").retrieve(created.id), { errorCode: "ENTITY_IS_DELETED" });

  const usage = await pages("SELECT Id FROM Product_Usage__c LIMIT 300");
  const input = usage.map(({ Id }) => ({ Id, Logins__c: 7 }));
  const bulk = await conn.bulk2.loadAndWaitForResults({
    object: "Product_Usage__c",
    operation: "update",
    input: [...input, { Id: created.id, Logins__c: 7 }],
  });
  assert.equal(bulk.successfulResults.length, usage.length);
  assert.equal(bulk.failedResults.length, 1);

  const refused = await conn.sobject("Contact").create([{ LastName: "Fine" }, { FirstName: "No" }]);
  assert.deepEqual(refused.map((one) => one.success), [true, false]);
  assert.equal(refused[1].errors[0].statusCode, "REQUIRED_FIELD_MISSING");
  return { updated, upserted: again.length, "by Bulk 2.0": usage.length, deleted: 1 };
}

const tasks = { all: readAll, since: readSince, write };
console.log(JSON.stringify(await tasks[asked.task]()));
