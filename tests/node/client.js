// Drives the server at argv[2] with fhir-kit-client as an application would, and writes what came of it as JSON.
const Client = require("fhir-kit-client");

const refusal = async (asked) => {
  try {
    await asked;
  } catch (error) {
    const { status, data } = error.response;
    return { status, type: data.resourceType, code: data.issue[0].code };
  }
  throw new Error("was not refused");
};

const ids = (bundle) => bundle.entry.map((each) => each.resource.id);

const main = async () => {
  const client = new Client({ baseUrl: process.argv[2] });
  const statement = await client.capabilityStatement();
  const patient = await client.read({ resourceType: "Patient", id: "patient-1" });
  const found = await client.search({ resourceType: "Patient", searchParams: { family: "Jones", _count: 10 } });
  const following = await client.nextPage({ bundle: found });
  const back = await client.prevPage({ bundle: following });
  const posted = await client.search({
    resourceType: "Patient",
    searchParams: { family: "Jones", _count: 10 },
    options: { postSearch: true },
  });
  const compartment = await client.search({
    compartment: { resourceType: "Patient", id: "patient-3" },
    resourceType: "Encounter",
  });
  const system = await client.search({ searchParams: { _type: "Patient,Encounter", _id: "patient-1,visit-1-1" } });
  const batch = await client.batch({
    body: {
      resourceType: "Bundle",
      type: "batch",
      entry: ["Patient/patient-1", "Patient/nobody"].map((url) => ({ request: { method: "GET", url } })),
    },
  });
  const everything = await client.operation({ resourceType: "Patient", id: "patient-0", name: "everything", method: "GET" });
  const posting = await client.operation({
    resourceType: "Patient",
    id: "patient-0",
    name: "everything",
    input: { resourceType: "Parameters" },
  });
  console.log(
    JSON.stringify({
      version: statement.fhirVersion,
      read: patient.birthDate,
      vread: (await client.vread({ resourceType: "Patient", id: "patient-0", version: "1" })).meta.versionId,
      total: found.total,
      pages: new Set([...ids(found), ...ids(following)]).size,
      back: JSON.stringify(ids(back)) === JSON.stringify(ids(found)),
      posted: JSON.stringify(ids(posted)) === JSON.stringify(ids(found)),
      compartment: ids(compartment).sort(),
      system: ids(system).sort(),
      batch: batch.entry.map((each) => each.response.status),
      everything: everything.entry.length,
      posting: posting.entry.length,
      history: (await client.history({ resourceType: "Patient", id: "patient-0" })).entry.length,
      resource: (await client.resolve({ reference: "Patient/patient-1" })).id,
      unknown: await refusal(client.read({ resourceType: "Patient", id: "nobody" })),
      deleted: await refusal(client.read({ resourceType: "Patient", id: "gone" })),
      invalid: await refusal(client.search({ resourceType: "Patient", searchParams: { birthdate: "junk" } })),
      create: await refusal(client.create({ resourceType: "Patient", body: { resourceType: "Patient" } })),
    }),
  );
};

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
