// The service in a process of its own, configured by its environment, until its starter says stop or goes.
import { loadConfig } from "../src/config/config.ts";
import { serve } from "../src/main.ts";

const service = await serve({ config: loadConfig(process.env) });
process.send?.({ address: `${service.address.host}:${service.address.port}` });
const stop = () => void service.close().then(() => process.exit());
process.once("message", stop);
process.once("disconnect", stop);
