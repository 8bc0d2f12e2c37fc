// Makes the gateway's user, who may only read. The image runs this once, in the database that it was told to make.
const password = require("fs").readFileSync(process.env.READER_PASSWORD_FILE, "utf8").trim();
db.createUser({ user: "gateway_reader", pwd: password, roles: [{ role: "read", db: db.getName() }] });
