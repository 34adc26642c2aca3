// Run once by the MongoDB image, where its data folder is empty: the service's own user, which may
// read and write its own database and nothing else.

/* global db, process */
db.getSiblingDB("analytics").createUser({
  user: "analytics",
  pwd: process.env.MONGODB_PASSWORD,
  roles: [{ role: "readWrite", db: "analytics" }],
});
