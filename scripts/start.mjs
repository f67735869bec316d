// npm start: installs what is missing and serves.
import { launch } from "./launch.mjs";

await launch(["serve", ...process.argv.slice(2)]);
