/** Lines to copy that ask for a picture: its address, curl, Python and TypeScript. Pure. */

// The key of the variable that the Python client takes it from by itself.
const CURL_KEY = ' -H "X-API-Key: $CVAE_API_KEY"';
const KEY_FIELD = '"x-api-key": key';

/** @typedef {import("./service.js").Params} Params */
/** @typedef {{path: string, params: Params}} Picture a GET of the API */

/** The Python client's method and its arguments without a name, for each kind of address. */
const METHODS = {
  decode: ["decode", "z"],
  digits: ["draw"],
  sample: ["sample", "n"],
  interpolate: ["interpolate", "from", "to"],
  manifold: ["manifold", "n"],
};
const RENAMED = /** @type {Record<string, string>} */ ({
  from_label: "start_label",
  to_label: "end_label",
});

/**
 * Return the lines by their names.
 * @param {string} origin where the service is, with the path that it is under
 * @param {string} url the picture's whole address
 * @param {Picture} picture
 * @param {boolean} [keyed] whether the service asks for an API key, which the lines take from elsewhere
 * @returns {Record<string, string>}
 */
export function linesFor(origin, url, picture, keyed = false) {
  const file = picture.path.split("/").at(-1) ?? "picture.png";
  const init = keyed ? `, { headers: { ${KEY_FIELD} } }` : "";
  return {
    URL: url,
    curl: `curl '${url}'${keyed ? CURL_KEY : ""} -o ${file}`,
    Python: python(origin, picture, file),
    TypeScript: `const answer = await fetch(${JSON.stringify(url)}${init});\nconst picture = await answer.blob();`,
  };
}

/**
 * @param {string} origin
 * @param {Picture} picture
 * @param {string} file
 */
function python(origin, { path, params }, file) {
  const [, kind, digit] = path.match(/^\/(\w+)(?:\/(\d+))?/) ?? [];
  const [method, ...positional] = METHODS[/** @type {keyof typeof METHODS} */ (kind)];
  const first = digit ? [digit] : positional.map((name) => literal(params[name]));
  const named = Object.entries(params)
    .filter(
      ([name, value]) =>
        !positional.includes(name) &&
        !LOOKS.includes(name) &&
        value !== null &&
        value !== undefined &&
        value !== "",
    )
    .map(([name, value]) => `${RENAMED[name] ?? name}=${literal(value)}`);
  const looks = LOOKS.filter((name) => params[name] !== undefined).map(
    (name) => `, ${name}=${literal(params[name])}`,
  );
  const into = `into("${file.split(".").at(-1)}"${looks.join("")})`;
  return [
    "from service.client import Client",
    "",
    `with Client("${origin}") as client:`,
    `    client.${into}.${method}(${[...first, ...named].join(", ")}).save("${file}")`,
  ].join("\n");
}

/** How pictures are drawn, which the Python client takes apart from what is drawn. */
const LOOKS = ["scale", "resample", "invert", "padding", "columns", "colormap", "duration_ms", "loops"];

/** @param {Params[string]} value @returns {string} */
function literal(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value))
    return `[${value.map((row) => (typeof row === "number" ? row : `[${row.split(",").join(", ")}]`)).join(", ")}]`;
  if (typeof value === "string" && /^-?[\d.]+(e-?\d+)?(,-?[\d.]+(e-?\d+)?)*$/.test(value))
    return `[${value.split(",").join(", ")}]`;
  return JSON.stringify(value ?? null);
}

const DRAWING = "drawing.png";

/**
 * Return lines that send the file of a picture.
 * @param {string} origin where the service is, with the path that it is under
 * @param {string} url the whole address to send it to
 * @param {string} call what the Python client is to do
 * @param {string} saved the name of the file that comes back; empty if it is JSON
 * @param {boolean} [keyed] whether the service asks for an API key
 * @returns {Record<string, string>}
 */
export function linesForUpload(origin, url, call, saved, keyed = false) {
  const type = "image/png";
  const output = saved ? ` -o ${saved}` : "";
  return {
    curl: `curl -X POST '${url}' -H 'content-type: ${type}' --data-binary @${DRAWING}${keyed ? CURL_KEY : ""}${output}`,
    Python: `from service.client import Client\n\nwith Client("${origin}") as client:\n    ${call}`,
    TypeScript: [
      `const headers = { "content-type": "${type}"${keyed ? `, ${KEY_FIELD}` : ""} };`,
      `const answer = await fetch(${JSON.stringify(url)}, { method: "POST", headers, body: drawing });`,
      `const found = await answer.${saved ? "blob" : "json"}();`,
    ].join("\n"),
  };
}
