// Loaded before our command line when launch.mjs starts it: when the launcher is gone, even by kill -9, so is the command.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
