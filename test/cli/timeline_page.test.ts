// The page of `datastorage timeline --html` in a browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { timelinePage } from "../../src/cli/timeline/page/page.ts";
import type { TimelineEvent } from "../../src/reconstruction/timeline/event.ts";
import { eventsOf, madeEvent, SAMPLE } from "../../src/reconstruction/timeline/sample.ts";
import { timelineOf } from "../../src/reconstruction/timeline/timeline.ts";
import { Chromium, findChromium } from "../support/chromium.ts";
import { type Folder, temporaryFolder } from "./datastorage.ts";

const file = findChromium();

describe("the page of a timeline, in Chromium", { skip: file === undefined && "no Chromium on this machine" }, () => {
  let chromium: Chromium;
  let folder: Folder;
  before(async () => {
    folder = temporaryFolder();
    chromium = await Chromium.start(file ?? "");
    await chromium.send("Emulation.setScrollbarsHidden", { hidden: true });
  });
  after(async () => {
    await chromium?.close();
    folder?.remove();
  });

  const open = async (events: readonly TimelineEvent[], name: string) => {
    const page = timelinePage(timelineOf(name, events, { expand: false }));
    await chromium.open(pathToFileURL(folder.write("timeline.html", [page])).href);
  };
  const requests = () => chromium.events.filter(({ method }) => method === "Network.requestWillBeSent").length;
  const complaints = () =>
    chromium.events.filter(({ method }) => ["Log.entryAdded", "Runtime.consoleAPICalled"].includes(method));

  const long = ["n".repeat(253), "修复".repeat(120), "שלום עולם خدمة ".repeat(16)];
  const hard = long.flatMap((name, index) => [
    madeEvent("gateway.signal.received", index * 100, {
      position: index * 5 + 1,
      data: { signal_name: name, resource_kind: name, resource_name: name, namespace: name },
    }),
    madeEvent("orchestrator.lifecycle.transitioned", index * 100 + 1, {
      position: index * 5 + 2,
      data: { from_phase: long[index - 1] ?? "Pending", to_phase: name },
    }),
    madeEvent("webhook.remediationapprovalrequest.decided", index * 100 + 2, {
      position: index * 5 + 3,
      data: { decision: name, decided_by: name, decision_message: name },
    }),
    madeEvent("x.failed", index * 100 + 60, {
      position: index * 5 + 4,
      outcome: "failure",
      errorMessage: `<img src="x" onerror="document.title='owned'"><script>document.title="owned"</script>${name}`,
    }),
  ]);

  for (const [what, events, name] of [
    ["the sample", eventsOf(SAMPLE), "rr-5be0c1d49a27-7c1e4f03"],
    ["names of 253 characters, other scripts, markup in texts", hard, long[0] ?? ""],
  ] as const) {
    test(`${what}: nothing is loaded, and nothing is wider than the window`, async () => {
      await open(events, name);
      assert.equal(requests(), 1);
      assert.deepEqual(complaints(), []);
      assert.equal(await chromium.evaluate("document.title"), `Timeline of ${name}`);
      for (const width of [1280, 736, 375]) {
        await chromium.send("Emulation.setDeviceMetricsOverride", {
          width,
          height: 900,
          deviceScaleFactor: 1,
          mobile: false,
        });
        assert.equal(await chromium.evaluate("document.documentElement.scrollWidth"), width);
        const over = `[...document.querySelectorAll("td, th, dd, h1, .drawing rect")].filter((one) => {
          const { right, width } = one.getBoundingClientRect();
          return width > 0 && right > innerWidth + 1 || one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0;
        }).length`;
        assert.equal(await chromium.evaluate(over), 0, `at ${width}`);
      }
    });
  }

  test("light, dark and printed: text stands out from what is behind it", async () => {
    await open(eventsOf(SAMPLE), "rr-1");
    const colours = async (media: string, scheme: string) => {
      const features = [{ name: "prefers-color-scheme", value: scheme }];
      await chromium.send("Emulation.setEmulatedMedia", { media, features });
      const style = "getComputedStyle(document.body)";
      return `${await chromium.evaluate(`${style}.color`)} on ${await chromium.evaluate(`${style}.backgroundColor`)}`;
    };
    assert.equal(await colours("screen", "light"), "rgb(28, 33, 39) on rgb(255, 255, 255)");
    assert.equal(await colours("screen", "dark"), "rgb(228, 232, 236) on rgb(21, 25, 29)");
    assert.equal(await colours("print", "dark"), "rgb(0, 0, 0) on rgb(255, 255, 255)");
  });
});
