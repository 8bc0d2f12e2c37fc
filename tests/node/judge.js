// Judges resources with npm's fhir, which shares nothing with us: reads lines of {"json": …, "xml": …} from stdin and
// writes one line of complaints for each.
const { Fhir } = require("fhir");
const lines = require("readline").createInterface({ input: process.stdin });
const judge = new Fhir();

// fhir 4.12 does not know elements that are defined by the content of another one: it leaves them out of what it reads.
const UNKNOWN = [
  ["Invoice", "totalPriceComponent"],
  ["ClaimResponse", "adjudication"],
];
// What it complains of without cause.
const WRONG = UNKNOWN.map(([type, name]) => new RegExp(`^${type}\\.${name}: Unexpected property$`));

// A primitive may be absent where `_name` says why.
const explained = (resource, text) => {
  const [, name] = /^\w+\.(\w+): Missing property$/.exec(text) || [];
  return name !== undefined && `_${name}` in resource;
};

const complaints = (resource) =>
  (judge.validate(resource, { errorOnUnexpected: true }).messages || [])
    .filter((each) => each.severity === "error" || each.severity === "fatal")
    .map((each) => `${each.location.replace(/\[\d+\]/g, "")}: ${each.message}`)
    .filter((text) => !WRONG.some((pattern) => pattern.test(text)) && !explained(resource, text));

// It leaves numbers of XML as text; the order of members means nothing.
const settled = (value) => {
  if (Array.isArray(value)) return value.map(settled);
  if (typeof value === "number") return String(value);
  if (typeof value === "string" && value !== "" && !Number.isNaN(Number(value))) return String(Number(value));
  if (value === null || typeof value !== "object") return value;
  const known = Object.keys(value).filter((name) => value[name] !== undefined);
  return Object.fromEntries(known.sort().map((name) => [name, settled(value[name])]));
};

lines.on("line", (line) => {
  const { json, xml } = JSON.parse(line);
  const plain = JSON.parse(json);
  const found = complaints(plain);
  for (const [type, name] of UNKNOWN) if (plain.resourceType === type) delete plain[name];
  if (JSON.stringify(settled(plain)) !== JSON.stringify(settled(judge.xmlToObj(xml)))) {
    found.push("XML and JSON differ");
  }
  console.log(JSON.stringify(found));
});
