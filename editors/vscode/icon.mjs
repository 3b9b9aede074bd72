// Draws icon.png from icon.svg, with Debian's Chromium: the marketplace takes no SVG.
import { readFileSync } from "node:fs";
import { CHROMIUM } from "./e2e/chromium.mjs";
import { chromium } from "playwright-core";

const browser = await chromium.launch(CHROMIUM);
const page = await browser.newPage({ viewport: { width: 256, height: 256 } });
await page.setContent(`<body style="margin: 0">${readFileSync("icon.svg", "utf8")}</body>`);
await page.screenshot({ path: "icon.png", omitBackground: true });
await browser.close();
