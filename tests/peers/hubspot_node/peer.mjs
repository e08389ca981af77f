// HubSpot's own client for Node against a portal: everything, what is new, and writes.
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import https from "node:https";
import { Client } from "@hubspot/api-client";
import proxyAgent from "https-proxy-agent";

const asked = JSON.parse(readFileSync(process.argv[2], "utf8"));
// The client's httpAgent option is not looked at in this version; Node's own agent is.
https.globalAgent = proxyAgent(asked.proxy);
const client = new Client({ accessToken: asked.auth.access_token, numberOfApiCallRetries: 2 });
const crm = client.crm;

async function readAll() {
  const read = {};
  for (const name of asked.objects) {
    const { results } = await crm.properties.coreApi.getAll(name);
    const properties = results.slice(0, 100).map((one) => one.name);
    const found = [];
    let after;
    do {
      const page = await crm.objects.basicApi.getPage(name, 100, after, properties);
      found.push(...page.results);
      after = page.paging?.next?.after;
    } while (after);
    read[name] = found.map((one) => one.id);
    const some = read[name].slice(0, 100).map((id) => ({ id }));
    const batch = await crm.objects.batchApi.read(name, { inputs: some, properties: [] });
    assert.equal(batch.results.length, some.length);
  }
  const companies = await crm.companies.getAll(100);
  assert.deepEqual(companies.map((one) => one.id).sort(), [...read.companies].sort());
  const owners = await crm.owners.ownersApi.getPage();
  const { results: pipelines } = await crm.pipelines.pipelinesApi.getAll("deals");
  assert(owners.results.length > 0 && pipelines[0].stages.some((one) => one.id === "closedwon"));
  const inputs = read.deals.slice(0, 100).map((id) => ({ id }));
  const links = await crm.associations.v4.batchApi.getPage("deals", "companies", { inputs });
  assert(links.results.every((one) => one.to.length > 0));
  return read;
}

async function readSince() {
  const read = {};
  for (const name of asked.objects) {
    const propertyName = name === "contacts" ? "lastmodifieddate" : "hs_lastmodifieddate";
    const value = String(Date.parse(asked.since));
    const found = [];
    let after;
    do {
      const page = await crm.objects.searchApi.doSearch(name, {
        filterGroups: [{ filters: [{ propertyName, operator: "GTE", value }] }],
        sorts: ["hs_object_id"],
        properties: [propertyName],
        limit: 200,
        after,
      });
      found.push(...page.results);
      after = page.paging?.next?.after;
    } while (after);
    read[name] = found.map((one) => one.id);
  }
  return read;
}

async function write() {
  const { results } = await crm.companies.basicApi.getPage(50);
  const inputs = results.map(({ id }) => ({ id, properties: { city: "Utrecht" } }));
  const updated = await crm.companies.batchApi.update({ inputs });
  assert.equal(updated.results.length, results.length);

  await crm.properties.coreApi.create("tasks", {
    name: "peer_key",
    label: "Peer key",
    type: "string",
    fieldType: "text",
    groupName: "task",
    hasUniqueValue: true,
  });
  const tasks = [1, 2, 3].map((n) => ({
    id: `key-${n}`,
    idProperty: "peer_key",
    properties: { hs_task_subject: `Peer ${n}`, hs_timestamp: "2026-12-01T00:00:00Z" },
  }));
  const made = await crm.objects.batchApi.upsert("tasks", { inputs: tasks });
  const again = await crm.objects.batchApi.upsert("tasks", { inputs: tasks });
  assert(made.results.every((one) => one._new) && again.results.every((one) => !one._new));

  const linked = await crm.associations.v4.batchApi.createDefault("tasks", "companies", {
    inputs: made.results.map((one) => ({ _from: { id: one.id }, to: { id: results[0].id } })),
  });
  assert(linked.results.length > 0);
  const held = await crm.associations.v4.basicApi.getPage("companies", results[0].id, "tasks");
  assert.equal(held.results.length, made.results.length);

  const deal = await crm.deals.basicApi.create({
    properties: { dealname: "Made by a peer", pipeline: "default", dealstage: "closedwon" },
    associations: [
      {
        to: { id: results[0].id },
        types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 341 }],
      },
    ],
  });
  const read = await crm.deals.basicApi.getById(deal.id, ["hs_is_closed_won"], [], ["companies"]);
  assert.equal(read.associations.companies.results[0].id, results[0].id);
  await crm.deals.basicApi.archive(deal.id);
  await assert.rejects(crm.deals.basicApi.getById(deal.id), { code: 404 });
  await assert.rejects(
    crm.companies.basicApi.update(results[0].id, { properties: { no_such_thing: "1" } }),
    (error) => error.code === 400 && error.body.category === "VALIDATION_ERROR",
  );
  return { updated: updated.results.length, upserted: again.results.length, archived: 1 };
}

const tasks = { all: readAll, since: readSince, write };
console.log(JSON.stringify(await tasks[asked.task]()));
