#!/usr/bin/env node
// npx datastorage …: installs what is missing and runs the command line.
import { launch } from "../scripts/launch.mjs";

await launch(process.argv.slice(2));
