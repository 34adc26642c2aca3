import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentExample } from "../../lib/variables.ts";

/** Writes `.env.example` from the table of variables. */
writeFileSync(join(import.meta.dirname, "../../.env.example"), environmentExample());
