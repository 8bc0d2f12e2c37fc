// Writes the elements of each R4 type and backbone in their order, as npm's fhir knows them: {"Patient.contact": [...]}.
const types = require("fhir/profiles/types.json");
const found = {};
const collect = (path, type) => {
  found[path] = type._properties.map((each) => each._name).filter((name) => !name.startsWith("_"));
  for (const each of type._properties) if (each._properties && each._properties.length) collect(`${path}.${each._name}`, each);
};
for (const [name, type] of Object.entries(types)) if (type._properties) collect(name, type);
console.log(JSON.stringify(found));
