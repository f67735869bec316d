// Loaded before the service (node --import): the service ends at once when the hammer does, whatever ends the hammer.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.channel?.unref();
