// Copies what the page needs from node_modules to api/web/vendor, with licences and a manifest that the page reads.
// The page has no build step: it loads these files as they are, from our own server, and asks nobody else for anything.
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const vendor = join(root, "api", "web", "vendor");

/** Package -> files to copy (a trailing slash takes the folder's .js files) and the folder they go to. */
const WANTED = {
  "maplibre-gl": {
    folder: "maplibre",
    files: ["dist/maplibre-gl.mjs", "dist/maplibre-gl-worker.mjs", "dist/maplibre-gl.css", "LICENSE.txt"],
  },
  uplot: { folder: "uplot", files: ["dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE"] },
  "topojson-client": { folder: "topojson", files: ["src/", "LICENSE"] },
  "world-atlas": { folder: "world", files: ["countries-50m.json", "LICENSE"] },
  "swagger-ui-dist": { folder: "swagger-ui", files: ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"] },
};

/** Copies one file; a source map that we do not ship must not be asked for, so its reference goes. */
async function copy(from, to) {
  await mkdir(dirname(to), { recursive: true });
  if (!/\.(m?js|css)$/.test(from)) {
    await copyFile(from, to);
    return;
  }
  const text = await readFile(from, "utf8");
  await writeFile(to, text.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, "\n").replace(/\n?\/\*# sourceMappingURL=\S+ \*\/\s*$/, "\n"));
}

async function expand(packageFolder, file) {
  if (!file.endsWith("/")) return [file];
  const names = await readdir(join(packageFolder, file));
  return names.filter((name) => name.endsWith(".js")).map((name) => file + name);
}

async function vendorPackage(name, { folder, files }) {
  const from = join(modules, name);
  const about = JSON.parse(await readFile(join(from, "package.json"), "utf8"));
  const copied = [];
  for (const pattern of files) {
    for (const file of await expand(from, pattern)) {
      const target = `${folder}/${file.split("/").pop()}`;
      await copy(join(from, file), join(vendor, target));
      copied.push(target);
    }
  }
  return { version: about.version, licence: about.license, files: copied.sort() };
}

async function main() {
  await rm(vendor, { recursive: true, force: true });
  const manifest = {};
  for (const [name, wanted] of Object.entries(WANTED)) manifest[name] = await vendorPackage(name, wanted);
  await writeFile(join(vendor, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const total = Object.values(manifest).reduce((sum, entry) => sum + entry.files.length, 0);
  console.log(`api/web/vendor: ${total} files of ${Object.keys(manifest).length} packages`);
}

await main();
