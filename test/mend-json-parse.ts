import { mendJsonParse } from "../lib/json-keys.ts";

mendJsonParse();
